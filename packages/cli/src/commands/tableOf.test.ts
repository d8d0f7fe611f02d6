import { describe, expect, test } from 'vitest';
import type { Experiment } from '../workspace.ts';
import { bestCandidate } from './search.ts';
import type { Outcome } from './series.ts';
import { tableOf } from './tableOf.ts';

const record = (accuracy: number, selection = accuracy): Outcome =>
  ({
    record: {
      trainInfo: {
        selectionMetric: 'accuracy',
        best: { epoch: 1, value: selection },
        test: { accuracy },
        parameters: { trainableWithoutHead: 1234 },
      },
    },
  }) as unknown as Outcome;

/** Two tasks of one group and one of another; of the last, the paper prints nothing for "b". */
const experiment = {
  tasks: {
    x: { title: 'x', group: 'easy', reference: { source: 'p', scores: { a: 10, b: 1 } } },
    y: { title: 'y', group: 'easy', reference: { source: 'p', scores: { a: 20, b: 2 } } },
    z: { title: 'z', group: 'hard', reference: { source: 'p', scores: { a: 55 } } },
  },
} as unknown as Experiment;
const SCORES: Record<string, readonly number[]> = { x: [50, 70], y: [80, 80], z: [10, 20] };
const chosen = { tasks: ['x', 'y', 'z'], methods: ['a', 'b'], seeds: [1, 2] };
const outcomesOf = (method: string, task: string): Outcome[] =>
  method === 'b' && task === 'y'
    ? [{ failure: 'broke' }, { failure: 'broke' }]
    : SCORES[task]!.map((one) => record(one));

describe('tableOf', () => {
  test('averages groups first, and what is not whole not at all', () => {
    const { header, body } = tableOf(experiment, 'tiny', chosen, outcomesOf);
    expect(header.slice(-3)).toEqual(['easy', 'hard', 'average']);
    // (60 + 80) / 2 and 15: their mean, not that of the three tasks.
    expect(body[0]).toEqual([
      'a',
      '1,234',
      '60.0 ± 14.1',
      '80.0 ± 0.0',
      '15.0 ± 7.1',
      '70.0',
      '15.0',
      '42.5',
    ]);
    expect(body[1]!.slice(3)).toEqual(['broke', '15.0 ± 7.1', '', '15.0', '']);
  });
  test('the paper’s average is formed the same way', () => {
    const { header, body } = tableOf(experiment, 'paper', chosen, outcomesOf);
    expect(header.at(-1)).toBe('paper’s average');
    expect(body.map((row) => row.at(-1))).toEqual(['35.00', '']);
  });
  test('without groups it is the mean of the tasks', () => {
    const tasks = { x: { title: 'x' }, z: { title: 'z' } };
    const { header, body } = tableOf(
      { ...experiment, tasks },
      'tiny',
      { ...chosen, tasks: ['x', 'z'] },
      outcomesOf,
    );
    expect(header).toEqual(['method', 'trained', 'x', 'z', 'average']);
    expect(body[0]!.at(-1)).toBe('37.5');
  });
});

describe('the candidate that is chosen', () => {
  test('does best on the selection splits over all seeds, whatever the test sets say', () => {
    const seeds = [
      [record(1, 50), record(90, 40), record(0, 45)],
      [record(1, 20), record(90, 25), record(0, 26)],
    ];
    expect(bestCandidate(seeds)).toBe(2);
  });
  test('is the first of equals, and none that fails for a seed', () => {
    expect(bestCandidate([[record(1, 5), record(2, 5)]])).toBe(0);
    expect(
      bestCandidate([
        [record(9, 99), record(1, 5)],
        [{ failure: 'broke' }, record(1, 5)],
      ]),
    ).toBe(1);
    expect(bestCandidate([[{ failure: 'a' }, { failure: 'b' }]])).toBe(0);
  });
});
