import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import {
  describeEnding,
  endingOf,
  lastLine,
  logSize,
  outOfMemoryKills,
  saysOutOfMemory,
  tailOf,
} from './ending.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-ending-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('an end is its signal or its code', () => {
  expect(describeEnding(endingOf(null, 'SIGKILL', outOfMemoryKills()))).toBe('signal SIGKILL');
  expect(describeEnding(endingOf(3, null, 0, 'epoch 1: loss 0.7'))).toBe('exit code 3');
});

test.each([
  'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  'terminate called after throwing an instance of std::bad_alloc',
  'onnxruntime::BFCArena: Failed to allocate memory for requested buffer of size 123',
])('memory that ran out is told by what was said: %s', (line) => {
  const ending = endingOf(null, 'SIGABRT', undefined, `epoch 1\n${line}\n`);
  expect(describeEnding(ending)).toMatch(/^signal SIGABRT; out of memory: it said "/);
  expect(saysOutOfMemory(line)).toBe(true);
});

test('or by the kernel’s count of such kills, if it was a kill', () => {
  // Fewer before than there can be now stands for one more since.
  expect(endingOf(null, 'SIGKILL', -1).outOfMemory).toBe(
    outOfMemoryKills() === undefined ? undefined : 'the system killed a process for want of memory meanwhile',
  );
  expect(endingOf(137, null, -1).outOfMemory).toBe(endingOf(null, 'SIGKILL', -1).outOfMemory);
  expect(endingOf(1, null, -1).outOfMemory).toBeUndefined();
  expect(outOfMemoryKills(() => 'nr_free_pages 7\n')).toBeUndefined();
  // Not certain: another process may have taken the memory.
  expect(endingOf(null, 'SIGKILL', -1).isCertain).toBeUndefined();
});

test.each<[string, Record<string, string>, number | undefined]>([
  [
    'of its group, version 1',
    {
      '/proc/self/cgroup': '4:memory:/a/b\n0::/\n',
      '/sys/fs/cgroup/memory/a/b/memory.oom_control': 'under_oom 0\noom_kill 3\n',
    },
    3,
  ],
  [
    'of its group, version 2',
    { '/proc/self/cgroup': '0::/x\n', '/sys/fs/cgroup/x/memory.events': 'max 9\noom_kill 4\n' },
    4,
  ],
  ['of the machine', { '/proc/self/cgroup': '0::/\n', '/proc/vmstat': 'nr_dirty 1\noom_kill 5\n' }, 5],
  ['of nothing that says', {}, undefined],
])('the count is that %s', (_, files, count) => {
  const read = (file: string) => {
    if (files[file] === undefined) throw new Error('ENOENT');
    return files[file];
  };
  expect(outOfMemoryKills(read)).toBe(count);
});

test('the last line that says something, of the end of a long log', () => {
  const file = path.join(folder, 'a.log');
  writeFileSync(file, `${'x'.repeat(20_000)}\nepoch 2: loss 0.5\n\n  \r\x1b[2K---\n`);
  expect(tailOf(file)).toHaveLength(8192);
  expect(lastLine(tailOf(file))).toContain('epoch 2: loss 0.5');
  expect(lastLine('')).toBeUndefined();
  expect(lastLine('y'.repeat(300))).toHaveLength(204);
  expect(tailOf(path.join(folder, 'none'))).toBe('');
  // What an attempt before has said is not this one's.
  const before = logSize(file);
  expect(tailOf(file, before)).toBe('');
  appendFileSync(file, 'again\n');
  expect(tailOf(file, before)).toBe('again\n');
  expect(logSize(path.join(folder, 'none'))).toBe(0);
});
