/** The packages of this workspace, as their package.json files describe them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where packages are compiled and staged; git ignores it. */
export const OUT = path.join(ROOT, 'dist');

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly license?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface WorkspacePackage {
  /** Of the folder below `packages`. */
  readonly folderName: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** All of them, by the names of their folders. */
export function workspacePackages(root = ROOT): WorkspacePackage[] {
  const parent = path.join(root, 'packages');
  return readdirSync(parent)
    .sort()
    .filter((name) => existsSync(path.join(parent, name, 'package.json')))
    .map((folderName) => {
      const folder = path.join(parent, folderName);
      const text = readFileSync(path.join(folder, 'package.json'), 'utf8');
      return { folderName, folder, manifest: JSON.parse(text) as Manifest };
    });
}
