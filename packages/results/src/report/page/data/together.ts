/** Time and memory are compared on one machine, and over the same tasks and seeds. */
import type { RunRecord } from '../../../schema.ts';
import { machineNotes, ofOneMachine } from '../../figures/machine.ts';

export interface Together {
  /** By row; rows without a run on that machine are absent. */
  readonly trainings: ReadonlyMap<string, readonly RunRecord[]>;
  readonly notes: readonly string[];
}

/** Of each row the trainings on the machine that ran the most methods, of the tasks and seeds that all its rows have. */
export function measuredTogether(all: ReadonlyMap<string, readonly RunRecord[]>): Together {
  const machine = ofOneMachine([...all.values()].flat());
  if (machine === undefined) return { trainings: new Map(), notes: [] };
  const there = new Set(machine.records);
  const rows = [...all]
    .map(([key, records]) => [key, records.filter((record) => there.has(record))] as const)
    .filter(([, records]) => records.length > 0);
  const blocks = rows.map(([, records]) => new Set(records.map(blockOf)));
  const common = new Set([...blocks[0]!].filter((block) => blocks.every((one) => one.has(block))));
  const kept = rows.map(
    ([key, records]) => [key, records.filter((one) => common.has(blockOf(one)))] as const,
  );
  const [before, after] = [rows, kept].map((some) =>
    some.reduce((sum, [, records]) => sum + records.length, 0),
  );
  const uneven = before! - after!;
  return {
    trainings: new Map(common.size === 0 ? [] : kept),
    notes: [
      ...machineNotes([machine]),
      ...(uneven === 0
        ? []
        : [
            `Left out: ${uneven} ${uneven === 1 ? 'record' : 'records'} of tasks and seeds that not every method ran there.`,
          ]),
    ],
  };
}

const blockOf = ({ runInfo: { task, seed } }: RunRecord): string => `${task} ${seed}`;
