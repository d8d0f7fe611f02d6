/** Under what a run ran: code version, packages, machine. Recorded, but no part of a run's identity. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { MetaInfo, SystemInfo } from './schema.ts';

/** What only the training process knows. */
export type ExecutionInfo = Pick<
  SystemInfo,
  'executor' | 'executionProvider' | 'threads' | 'tf32' | 'accelerator' | 'recompute'
>;

export type Environment = Pick<MetaInfo, 'codeInfo' | 'packageInfo' | 'systemInfo'>;

/** Describes code, packages and machine for a record. `root` is the folder of the workspace, or of an installed package. */
export async function collectEnvironment(root: string, execution: ExecutionInfo): Promise<Environment> {
  const codeInfo = await readCodeInfo(root);
  return {
    ...(codeInfo === undefined ? {} : { codeInfo }),
    packageInfo: readPackageVersions(root),
    systemInfo: { ...readMachine(), ...execution },
  };
}

/**
 * Commit and state of the work tree at `root`; undefined without git or outside a repository. Changes below
 * `results/` do not make the code dirty: a sweep's first record would mark all later ones.
 */
export async function readCodeInfo(root: string): Promise<MetaInfo['codeInfo']> {
  // An installed package lies in somebody else's repository.
  if (root.split(path.sep).includes('node_modules')) return undefined;
  const git = async (...args: string[]) => {
    // Another git command may be at work in the same tree: take no lock.
    const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' };
    const { stdout } = await promisify(execFile)('git', ['-C', root, ...args], { env, maxBuffer: 1 << 26 });
    return stdout.trim();
  };
  try {
    const commit = await git('rev-parse', '--verify', 'HEAD');
    const changes = await git('status', '--porcelain', '--', ':(top)', ':(top,exclude)results');
    return { commit, isDirty: changes !== '' };
  } catch {
    return undefined;
  }
}

/**
 * Versions of the direct dependencies of the package at `root` and of those in its `packages/`, as installed. Optional
 * ones that are not installed are absent; a name at two versions lists both.
 */
export function readPackageVersions(root: string): Record<string, string> {
  const parent = path.join(root, 'packages');
  const folders = existsSync(parent) ? readdirSync(parent).map((name) => path.join(parent, name)) : [];
  const versions = new Map<string, Set<string>>();
  // Grows: an installed package of this project has its brothers beside it.
  const seen = new Set([root, ...folders]);
  for (const folder of seen) {
    const manifest = readManifest(folder);
    const names = {
      ...manifest?.dependencies,
      ...manifest?.optionalDependencies,
      ...manifest?.peerDependencies,
    };
    for (const name of Object.keys(names)) {
      const installed = installedFolder(name, folder);
      const version = installed && readManifest(installed)?.version;
      if (version === undefined) continue;
      if (name.startsWith('@psoft/')) seen.add(realpathSync(installed!));
      versions.set(name, (versions.get(name) ?? new Set()).add(version));
    }
  }
  const sorted = [...versions].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, set]) => [name, [...set].sort().join(', ')]));
}

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

function readManifest(folder: string): Manifest | undefined {
  const file = path.join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : undefined;
}

/** Looks upwards as Node does. `require.resolve` would not do: many packages do not export their package.json. */
function installedFolder(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    if (readManifest(candidate)?.version !== undefined) return candidate;
    if (folder === path.dirname(folder)) return undefined;
  }
}

function readMachine(): Omit<SystemInfo, keyof ExecutionInfo> {
  // In a container, what the machine has is not what the process may use.
  const limit = process.constrainedMemory() ?? 0;
  const memory = os.totalmem();
  return {
    os: process.platform,
    osRelease: os.release(),
    architecture: process.arch,
    cpuModel: os.cpus()[0]?.model.trim() || 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: limit > 0 && limit < memory ? limit : memory,
    node: process.versions.node,
  };
}

/**
 * Largest resident set of this process so far, in bytes; mapped files that were touched count.
 * Linux hands a parent's peak on to its child in `ru_maxrss`, and training runs in a child: there the kernel's own
 * figure for this program is read instead.
 */
export function peakMemoryBytes(): number {
  if (process.platform === 'linux') {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
