/** Figure 4a: memory by method; of benches over batch sizes, else of runs. */
import { spreadOf } from '../../../summary.ts';
import { machineNotes, ofOneMachine } from '../machine.ts';
import type { DrawInput, Drawing, FigureSpec } from '../model.ts';
import { chart, drawn, methodAxis } from '../parts.ts';
import { drawMemory, MEMORY_TARGET } from './memoryBench.ts';

const TASK = 'cifar';

export const figure4a: FigureSpec = {
  id: 'figure4a',
  title: 'Figure 4a',
  about:
    'Peak memory of training a vision transformer, by method; the paper measures it over batch sizes from 1 to 128.',
  ours: `Ours, for want of bench records over batch sizes: runs of Table 3 on ${TASK}, at their batch size.`,
  sources: [{ experiment: 'vision', id: 'table3', source: { kind: 'table' }, tasks: [TASK] }],
  benchTarget: MEMORY_TARGET,
  draw,
  drawBenches: (input) => drawMemory(input, figure4a.about),
};

function draw({ isPaper, sources: [source] }: DrawInput): Drawing {
  const bytes = ({ trainInfo }: (typeof all)[number]) =>
    isPaper ? trainInfo.peakDeviceMemoryBytes : trainInfo.peakMemoryBytes;
  const all = source!.rows.flatMap((row) => row.records(TASK));
  const machine = ofOneMachine(all.filter((record) => bytes(record) !== undefined));
  if (machine === undefined) return { used: [] };
  const used = machine.records;
  const bars = source!.rows.flatMap((row) => {
    const own = row.records(TASK).filter((record) => used.includes(record));
    if (own.length === 0) return [];
    const gigabytes = spreadOf(own.map((record) => bytes(record)! / 1e9)).mean;
    return [{ method: [row.method, row.setting].filter((part) => part !== '').join(' '), gigabytes }];
  });
  const batches = [...new Set(used.map(({ runInfo }) => runInfo.trainConfig.batchSize))].join(', ');
  const models = [...new Set(used.map(({ metaInfo }) => metaInfo.modelInfo.name))].join(', ');
  const y = methodAxis(bars);
  const x = {
    field: 'gigabytes',
    type: 'quantitative',
    scale: { domain: [0, 1.12 * Math.max(...bars.map(({ gigabytes }) => gigabytes))], nice: false },
    axis: {
      title: `peak memory of ${isPaper ? 'the device' : 'the training process'}, GB`,
      tickCount: 6,
      grid: false,
    },
  };
  return {
    used,
    chart: chart('Memory by method', `${models}, batch ${batches}`, figure4a.about, {
      width: 420,
      height: { step: 24 },
      layer: drawn([
        { data: { values: bars }, mark: { type: 'bar', height: 15 }, encoding: { x, y } },
        {
          data: { values: bars },
          mark: { type: 'text', align: 'left', dx: 5 },
          encoding: { x, y, text: { field: 'gigabytes', format: '.2f' } },
        },
      ]),
    }),
    notes: machineNotes([machine]),
  };
}
