/** Node, the system, and what of it a process may use. */
import { existsSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readPackageVersions } from '@psoft/results';
import { formatBytes } from '../commands/progress.ts';
import { type Check, fact, fine, missing, type Section } from './report.ts';

const LEAST_NODE = 20;

/** What tells of trouble most often, and what computes. */
const PACKAGES = [
  'onnxruntime-node',
  'koffi',
  '@tensorflow/tfjs',
  '@huggingface/transformers',
  '@huggingface/hub',
  'sharp',
];

export function machineSection(version = process.versions.node): Section {
  const major = Number(version.split('.')[0]);
  const node =
    major >= LEAST_NODE
      ? fine('Node', version)
      : missing('Node', version, `install Node ${LEAST_NODE} or later`);
  const cpus = os.cpus();
  const cores = os.availableParallelism();
  const limit = process.constrainedMemory() ?? 0;
  const isLimited = limit > 0 && limit < os.totalmem();
  return {
    title: 'Machine',
    checks: [
      node,
      fact('system', `${process.platform} ${process.arch}, ${os.release()}`),
      fact('CPU', `${cpus[0]?.model.trim() ?? 'unknown'}, ${cores} of ${cpus.length} cores usable`),
      fact(
        'memory',
        `${formatBytes(os.totalmem())}, ${formatBytes(os.freemem())} unused${isLimited ? `; this process may take ${formatBytes(limit)} (cgroup)` : ''}`,
      ),
    ],
  };
}

export function packagesSection(root: string): Section {
  const versions = readPackageVersions(root);
  return {
    title: 'Packages',
    checks: PACKAGES.map((name) => {
      const version = versions[name];
      return version === undefined
        ? missing(name, 'not installed', 'npm run setup in the workspace, or npm install psoft')
        : fine(name, version);
    }),
  };
}

/** What is free where something will be written. */
export function spaceIn(name: string, folder: string): Check {
  try {
    const { bavail, bsize } = statfsSync(nearestExisting(folder));
    return fact(name, `${folder}, ${formatBytes(bavail * bsize)} free`);
  } catch (error) {
    return missing(name, `${folder} cannot be looked into (${(error as NodeJS.ErrnoException).code})`);
  }
}

function nearestExisting(folder: string): string {
  return existsSync(folder) || folder === path.dirname(folder)
    ? folder
    : nearestExisting(path.dirname(folder));
}
