/** Bench records as lines of a table. */
import type { BenchRecord } from '@psoft/results/bench';

const HEADER = [
  'shape',
  'method',
  'settings',
  'batch x length',
  'step',
  'forward',
  'backward',
  'memory',
  'trained',
];

export const header = (): string => line(HEADER);

/** What a record says, or why it says nothing. */
export function row({ point, measured, unavailable }: BenchRecord): string {
  const { shape, method, adapter, batch, length } = point;
  const { targetModules: _, ...shown } = adapter;
  const settings = Object.entries(shown)
    .filter(([key]) => !/Neumann|neumann|Alpha$|Dropout$/.test(key))
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const first = [shape, method, settings, `${batch} x ${length}`];
  if (measured === undefined) return line([...first, unavailable!]);
  const { stepMilliseconds, forwardMilliseconds, backwardMilliseconds, trained } = measured;
  const bytes = measured.peakDeviceMemoryBytes ?? measured.peakMemoryBytes;
  return line([
    ...first,
    ...[stepMilliseconds, forwardMilliseconds, backwardMilliseconds].map((ms) =>
      ms === undefined ? '' : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`,
    ),
    `${(bytes / 1e9).toFixed(2)} GB`,
    trained.toLocaleString('en'),
  ]);
}

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
