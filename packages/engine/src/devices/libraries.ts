/** Where the libraries of NVIDIA's lie that the CUDA provider is made of, and how to get those that do not. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { neededLibraries } from './elf.ts';
import { cudaFolders } from './environment.ts';
import { FOLDER_REMEDY } from './remedy.ts';

export interface NeededLibrary {
  /** "libcublas.so.12". */
  readonly name: string;
  /** The file; undefined where it is missing. */
  readonly file: string | undefined;
  /** Found by the system's loader as the environment is, or only after `npm run cuda` noted its folder. */
  readonly isSearched: boolean;
  readonly remedy: string;
}

/** Part of every system with a C++ runtime. */
const SYSTEM = /^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|ld-linux.*)\.so/;

/** Python wheels that carry a library, by the beginning of its name. Those of CUDA 12 end in -cu12, of 13 only cuDNN's does. */
const WHEELS: readonly (readonly [RegExp, string])[] = [
  [/^libcublas/, 'nvidia-cublas'],
  [/^libcudnn/, 'nvidia-cudnn'],
  [/^libcudart/, 'nvidia-cuda-runtime'],
  [/^libcurand/, 'nvidia-curand'],
  [/^libcufft/, 'nvidia-cufft'],
  [/^libnvrtc/, 'nvidia-cuda-nvrtc'],
  [/^libcusparse/, 'nvidia-cusparse'],
  [/^libcusolver/, 'nvidia-cusolver'],
];

/** The provider opens it itself, so that no header names it. */
const OPENED = ['libcudnn.so.9'];

/** What the provider asks for, and where each lies. `cudaMajor`: 12 or 13, of which its libraries are. */
export function providerLibraries(
  provider: string,
  environment: NodeJS.ProcessEnv = process.env,
  noted: readonly string[] = cudaFolders(),
): { readonly cudaMajor: number | undefined; readonly libraries: readonly NeededLibrary[] } {
  const needed = neededLibraries(provider).filter((name) => !SYSTEM.test(name));
  const cudaMajor = Number(/\.so\.(\d+)/.exec(needed.find((name) => /^libcudart/.test(name)) ?? '')?.[1]);
  // Of the same version: what compiles kernels of our own.
  const compiler = Number.isNaN(cudaMajor) ? [] : [`libnvrtc.so.${cudaMajor}`];
  const names = [...needed, ...OPENED, ...compiler];
  const searched = loaderFolders(environment);
  const cached = loaderCache();
  const libraries = [...new Set(names)].map((name): NeededLibrary => {
    const here = inFolders(name, searched) ?? cached.get(name);
    const file = here ?? inFolders(name, noted);
    return { name, file, isSearched: here !== undefined, remedy: remedyOf(name, cudaMajor) };
  });
  return { cudaMajor: Number.isNaN(cudaMajor) ? undefined : cudaMajor, libraries };
}

function remedyOf(name: string, cudaMajor: number): string {
  if (name.startsWith('libcuda.so')) return "comes with NVIDIA's driver: install the driver of the card";
  const wheel = WHEELS.find(([pattern]) => pattern.test(name))?.[1];
  const major = Number.isNaN(cudaMajor) ? 12 : cudaMajor;
  const isCudnn = name.startsWith('libcudnn');
  const what = isCudnn ? 'cuDNN 9' : `CUDA ${major}`;
  if (wheel === undefined) return `install ${what}`;
  const named = major > 12 && !isCudnn ? wheel : `${wheel}-cu${major}`;
  return `install ${what}, or \`pip install --no-deps --target FOLDER ${named}\` and ${FOLDER_REMEDY}`;
}

/** Folders that the loader looks into before its cache. */
function loaderFolders({ LD_LIBRARY_PATH = '' }: NodeJS.ProcessEnv): string[] {
  return LD_LIBRARY_PATH.split(':').filter((folder) => folder !== '');
}

/** The loader's own list, by name; none where there is no such tool. */
function loaderCache(): Map<string, string> {
  for (const tool of ['ldconfig', '/sbin/ldconfig', '/usr/sbin/ldconfig'])
    try {
      const said = execFileSync(tool, ['-p'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const lines = said.matchAll(/^\s*(\S+) \(.*\) => (\S+)$/gm);
      return new Map([...lines].map(([, name, file]): [string, string] => [name!, file!]));
    } catch {
      // The next one.
    }
  return new Map();
}

function inFolders(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** Folders below these that hold any of the libraries: those of wheels lie one or two levels down. */
export function foldersWith(names: readonly string[], roots: readonly string[], depth = 5): string[] {
  const wanted = new Set(names);
  const found = new Set<string>();
  const visit = (folder: string, left: number) => {
    let entries: { name: string; isDirectory(): boolean }[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries)
      if (wanted.has(entry.name)) found.add(folder);
      else if (entry.isDirectory() && left > 0) visit(path.join(folder, entry.name), left - 1);
  };
  for (const root of roots) visit(root, depth);
  return [...found].sort();
}

/** What a provider that does not load lacks, by name. */
export function absentLibraries(provider: string): string[] {
  return providerLibraries(provider)
    .libraries.filter(({ file }) => file === undefined)
    .map(({ name }) => name);
}
