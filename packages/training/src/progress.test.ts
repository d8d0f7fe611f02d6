import { describe, expect, it } from 'vitest';
import { createProgress, formatDuration } from './progress.ts';

const ESCAPE = '\u001b';
const CLEAR = `\r${ESCAPE}[2K`;

function setUp({
  isTTY = true,
  columns = 100,
  total = 200,
  environment = { NO_COLOR: '1' } as Record<string, string>,
} = {}) {
  const clock = { time: 0 };
  const stream = {
    isTTY,
    columns,
    written: [] as string[],
    write: (text: string) => stream.written.push(text),
  };
  const progress = createProgress({ stream, total, label: 'nlu/cola', now: () => clock.time, environment });
  return { progress, stream, clock, last: () => stream.written.at(-1) };
}

describe('createProgress on a terminal', () => {
  it('shows bar, steps, loss, time left, metric and speed in one line that replaces itself', () => {
    const { progress, clock, last } = setUp({ columns: 120 });
    progress.update(1, { loss: 0.7 });
    expect(last()).toBe(`${CLEAR}nlu/cola  ${'░'.repeat(30)}  1/200  loss 0.7000`);
    clock.time = 9_900;
    progress.update(100, { loss: 0.51239, metric: { name: 'matthews', value: 0.25 }, speed: 21_340 });
    // 99 steps took 9.9 s, and 100 are left.
    expect(last()).toBe(
      `${CLEAR}nlu/cola  ${'█'.repeat(15)}${'░'.repeat(15)}  100/200  loss 0.5124  0:10 left  matthews 0.2500  21.3k tokens/s`,
    );
  });

  it('draws at most ten times a second, and the last step always', () => {
    const { progress, stream, clock, last } = setUp();
    for (let step = 1; step < 200; step++) {
      clock.time = step * 10;
      progress.update(step, { loss: 1 });
    }
    expect(stream.written).toHaveLength(20);
    clock.time += 1;
    progress.update(200, { loss: 1 });
    expect(last()).toContain('200/200');
  });

  it.each([120, 80, 60, 40, 20, 5, 1])('fits %d columns', (columns) => {
    const { progress, clock, last } = setUp({ columns });
    progress.update(1, { loss: 1 });
    clock.time = 1000;
    progress.update(150, { loss: 0.5, metric: { name: 'matthews', value: 0.25 }, speed: 1.25e6 });
    const line = last()!.slice(CLEAR.length);
    expect(line.length).toBeLessThan(columns);
    if (columns >= 40) expect(line).toContain('150/200  loss 0.5000');
  });

  it('logs a line above the bar, then takes the bar away and stays silent', () => {
    const { progress, stream } = setUp();
    progress.update(1, { loss: 1 });
    const bar = stream.written[0]!;
    progress.log('epoch 1: matthews 0.2');
    expect(stream.written.slice(1)).toEqual([CLEAR, 'epoch 1: matthews 0.2\n', bar]);
    progress.done();
    progress.update(200, { loss: 1 });
    progress.done();
    progress.log('saved');
    expect(stream.written.slice(4)).toEqual([CLEAR, 'saved\n']);
  });

  it('colours unless NO_COLOR is set', () => {
    for (const [environment, expected] of [
      [{}, true],
      [{ NO_COLOR: '' }, true],
      [{ NO_COLOR: '1' }, false],
    ] as const) {
      const { progress, last } = setUp({ environment });
      progress.update(1, { loss: 1 });
      expect(last()!.includes(`${ESCAPE}[36m`)).toBe(expected);
    }
  });
});

describe('createProgress elsewhere', () => {
  it.each([{ isTTY: false }, { environment: { TERM: 'dumb' } }])(
    'writes logged lines only (%o)',
    (options) => {
      const { progress, stream } = setUp(options);
      progress.update(1, { loss: 1 });
      progress.log('epoch 1: matthews 0.2');
      progress.update(200, { loss: 1 });
      progress.done();
      expect(stream.written).toEqual(['epoch 1: matthews 0.2\n']);
    },
  );
});

it('formats durations', () => {
  expect([0, 42.4, 59.6, 725, 11_525].map(formatDuration)).toEqual([
    '0:00',
    '0:42',
    '1:00',
    '12:05',
    '3:12:05',
  ]);
});
