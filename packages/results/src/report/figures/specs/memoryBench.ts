/** Figure 4a from bench records: memory over batch sizes, a line a method. */
import { BATCHES } from '../../../bench/measurements.ts';
import { memoryOverBatch, type StepCost } from '../../../bench/steps.ts';
import { rowsOfTable } from '../../tables/rows.ts';
import { benchCommand, benchNotes } from '../benches.ts';
import type { BenchDrawing, BenchInput } from '../model.ts';
import { chart, drawn, LINE_LEGEND, pointsOn, seriesOf } from '../parts.ts';

export const MEMORY_TARGET = 'bench:memory';

export function drawMemory(
  { profile, isPaper, benches }: BenchInput,
  description: string,
): BenchDrawing | undefined {
  const { costs, left } = memoryOverBatch(benches, profile);
  const measured = costs.filter(({ value }) => value !== undefined);
  const labels = [...new Set(costs.map(({ label }) => label))];
  const batchesOf = (label: string) =>
    new Set(measured.filter((one) => one.label === label).map(({ record }) => record.point.batch));
  const lines = labels.filter((label) => batchesOf(label).size > 1);
  if (lines.length === 0) return undefined;
  const shown = costs.filter(({ label }) => lines.includes(label));
  const single = labels.filter((label) => batchesOf(label).size === 1);
  return {
    ours: `Ours: bench records of a training step on images of ${shown[0]!.record.point.length} tokens (Table 22), not runs.`,
    used: shown.filter(({ value }) => value !== undefined).map(({ record }) => record),
    chart: linesOf(shown, lines, description, isPaper),
    notes: [
      ...benchNotes(costs, left, 'of other machines or devices'),
      ...(single.length === 0 ? [] : [`Of one batch size only, and no line: ${single.join(', ')}.`]),
    ],
    commands: benchCommand(MEMORY_TARGET, profile, missingMethods(costs), costs),
  };
}

/** Of Table 22 and of those recorded: which lack one of its batch sizes. */
function missingMethods(costs: readonly StepCost[]): string[] {
  const ofTable = rowsOfTable('table22').flatMap(({ ours }) => ours ?? []);
  const methods = [...new Set([...ofTable, ...costs.map(({ method }) => method)])];
  return methods.filter((method) =>
    BATCHES.some((batch) => !costs.some((one) => one.method === method && one.record.point.batch === batch)),
  );
}

function linesOf(
  costs: readonly StepCost[],
  labels: readonly string[],
  description: string,
  isPaper: boolean,
) {
  const values = costs.flatMap(({ label, record: { point }, value }) =>
    value === undefined ? [] : [{ series: label, batch: point.batch, gigabytes: value }],
  );
  const { layers, hidden } = costs[0]!.record.point;
  const { color, strokeDash } = seriesOf(labels, LINE_LEGEND);
  const { values: marked, shape } = pointsOn(values, labels);
  const x = {
    field: 'batch',
    type: 'quantitative',
    scale: { type: 'log', base: 2, nice: false, padding: 12 },
    axis: {
      title: 'batch size',
      values: [...new Set(values.map(({ batch }) => batch))].sort((a, b) => a - b),
      format: 'd',
      grid: false,
    },
  };
  const y = {
    field: 'gigabytes',
    type: 'quantitative',
    scale: { zero: true, nice: true },
    axis: { title: `peak memory of the ${isPaper ? 'device' : 'process'}, GB`, tickCount: 6 },
  };
  return chart('Memory by batch size', `vit, ${layers} layers of width ${hidden}`, description, {
    width: 420,
    height: 300,
    layer: drawn([
      { data: { values }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color, strokeDash } },
      {
        data: { values: marked },
        mark: { type: 'point', filled: true, size: 45, opacity: 1 },
        encoding: { x, y, color, shape },
      },
    ]),
  });
}
