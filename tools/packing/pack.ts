/** `npm run pack`: a tarball of each package in dist/tarballs. Nothing is published. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { stagePackages } from './stage.ts';
import { OUT } from './workspace.ts';

export const TARBALLS = path.join(OUT, 'tarballs');

export interface Tarball {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly entries: number;
}

/** @throws Error as {@link stagePackages}, or what npm says */
export function packAll(): Tarball[] {
  const staged = stagePackages();
  rmSync(TARBALLS, { recursive: true, force: true });
  mkdirSync(TARBALLS, { recursive: true });
  return staged.map(({ folder, manifest }) => {
    const said = execFileSync('npm', ['pack', '--json', '--pack-destination', TARBALLS], {
      cwd: folder,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    const [packed] = JSON.parse(said) as { filename: string; size: number; entryCount: number }[];
    const file = path.join(TARBALLS, path.basename(packed!.filename.replace('@psoft/', 'psoft-')));
    return { name: manifest.name, file, bytes: packed!.size, entries: packed!.entryCount };
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  for (const { name, file, bytes, entries } of packAll())
    process.stdout.write(
      `${name.padEnd(20)} ${String(entries).padStart(4)} files ${(bytes / 1e6).toFixed(2).padStart(6)} MB  ${path.relative(process.cwd(), file)}\n`,
    );
