/** A disk that is full, and one that is read-only: real ones, small, in a space of mounts of their own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';

/** How a process gets mounts of its own here: as root, or in a space of users where the system allows that. */
const UNSHARE = [['-m'], ['-r', '-m']].find(
  (flags) => spawnSync('unshare', [...flags, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0,
);
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-full-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SCRIPT = `mount -t tmpfs -o size=256k none "$1" && "$2" --import tsx "$3" "$1" && mount -o remount,ro "$1" && "$2" --import tsx "$3" "$1" read-only`;

test.skipIf(UNSHARE === undefined)(
  'what cannot be written leaves what was there, and nothing half',
  () => {
    const output = execFileSync(
      'unshare',
      [
        ...UNSHARE!,
        'sh',
        '-c',
        SCRIPT,
        'sh',
        folder,
        process.execPath,
        path.join(import.meta.dirname, 'fullDisk.ts'),
      ],
      { encoding: 'utf8', cwd: import.meta.dirname },
    );
    const [full, readOnly] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(full).toEqual({
      checkpoint: expect.stringMatching(/ENOSPC|no space left/i),
      stays: 1,
      record: expect.stringMatching(/^could not write .*: ENOSPC: no space left on device/),
      lock: expect.stringMatching(/^could not write .*lock: ENOSPC/),
      left: ['checkpoint.safetensors', 'filler'],
      records: [0, 0],
      afterwards: [1, 0],
    });
    expect(readOnly).toEqual({
      refused: expect.stringMatching(
        /^no record can be written below .*: EROFS: read-only file system.*; give another --results-dir$/,
      ),
    });
  },
  120_000,
);
