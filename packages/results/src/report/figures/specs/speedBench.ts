/** Figure 4b from bench records: how fast a training step of each method is beside the slowest, on one shape. */
import { isOnCard, type StepCost, stepTimes } from '../../../bench/steps.ts';
import { benchCommand, benchNotes } from '../benches.ts';
import type { BenchDrawing, BenchInput } from '../model.ts';
import { drawn, methodAxis, type Part } from '../parts.ts';

export const SPEED_TARGET = 'bench:speed';

/** Those of the paper's figure. */
const METHODS = ['goft', 'qgoft', 'boft', 'lora', 'dora', 'psoft'];

/** Beside a whole drawing: the panel itself, which the paper's stand beside. */
export interface SpeedDrawing extends Omit<BenchDrawing, 'chart'> {
  readonly panel: Part;
}

export function drawSpeed({ profile, benches }: BenchInput): SpeedDrawing | undefined {
  const { costs, left } = stepTimes(benches, profile);
  const timed = costs.filter(({ value }) => value !== undefined && value > 0);
  const methods = new Set(timed.map(({ method }) => method));
  // One method alone has nothing to be compared with.
  if (methods.size < 2) return undefined;
  const { record } = timed[0]!;
  const { shape, batch, length, layers, hidden } = record.point;
  const time = isOnCard(record)
    ? 'best time of a training step'
    : 'least time that a training step took of the CPU’s cores, which other work lengthens little';
  const where = `${shape}, ${layers} layers of width ${hidden}, batch ${batch} x ${length}`;
  const others = isOnCard(record)
    ? 'of this size, of other machines or devices'
    : 'of this size, of other machines or devices, or without the CPU’s time';
  return {
    ours: `Ours: bench records, not runs, of ${where}: the shape and size of which most methods are recorded. Speed is the inverse of the ${time}.`,
    used: timed.map((one) => one.record),
    panel: panelOf(timed, where),
    notes: benchNotes(costs, left, others),
    commands: benchCommand(
      SPEED_TARGET,
      profile,
      METHODS.filter((method) => !costs.some((one) => one.method === method)),
      costs,
    ),
  };
}

function panelOf(costs: readonly StepCost[], title: string): Part {
  const slowest = Math.max(...costs.map(({ value }) => value!));
  const bars = costs
    .map(({ label, value }) => ({ method: label, speed: slowest / value! }))
    .sort((a, b) => a.speed - b.speed);
  const y = methodAxis(bars);
  const x = {
    field: 'speed',
    type: 'quantitative',
    scale: { domain: [0, 1.15 * bars.at(-1)!.speed], nice: false },
    axis: { title: 'relative speed', tickCount: 6, grid: false },
  };
  return {
    title: { text: title, fontSize: 12, fontWeight: 'normal' },
    width: 380,
    height: { step: 22 },
    layer: drawn([
      { data: { values: bars }, mark: { type: 'bar', height: 14 }, encoding: { x, y } },
      {
        data: { values: bars.map((bar) => ({ ...bar, text: `${bar.speed.toFixed(1)}×` })) },
        mark: { type: 'text', align: 'left', dx: 5 },
        encoding: { x, y, text: { field: 'text' } },
      },
    ]),
  };
}
