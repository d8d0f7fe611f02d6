/** Makes the page's script and style of their sources. Packages that are installed bring them made: see assets.ts. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync, type Metafile } from 'esbuild';
import type { Assets, Licence } from './assets.ts';

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Browsers of the last two years: `light-dark()` and `:has()` are newer than any syntax that is left as it is. */
const TARGET = ['chrome123', 'firefox121', 'safari17.5'];

/** From the sources. */
export function bundleAssets(): Assets {
  const common = {
    bundle: true,
    minify: true,
    write: false,
    target: TARGET,
    absWorkingDir: HERE,
    logLevel: 'silent',
    legalComments: 'none',
  } as const;
  const script = buildSync({
    ...common,
    entryPoints: ['client/main.ts'],
    format: 'iife',
    metafile: true,
    // Not the root's: the script runs in a browser, and is checked against its own.
    tsconfig: path.join(HERE, 'client/tsconfig.json'),
    platform: 'browser',
    charset: 'utf8',
  });
  const style = buildSync({ ...common, entryPoints: ['styles/index.css'], charset: 'utf8' });
  return {
    script: onlyText(script.outputFiles),
    style: onlyText(style.outputFiles),
    licences: licencesOf(script.metafile),
  };
}

/** An inline script ends at the first thing that looks like its end. */
function onlyText(files: readonly { readonly text: string }[]): string {
  return files[0]!.text
    .trim()
    .replace(/<\/(script|style)/gi, '<\\/$1')
    .replace(/<!--/g, '<\\!--');
}

/** Of every package that a part of is in the bundle. */
function licencesOf({ outputs, inputs }: Metafile): Licence[] {
  const [output] = Object.values(outputs);
  const used = Object.entries(output!.inputs).flatMap(([file, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [file] : [],
  );
  const folders = new Set<string>();
  for (const file of used.filter((one) => one in inputs)) {
    const folder = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path.resolve(HERE, file))?.[1];
    if (folder !== undefined) folders.add(folder);
  }
  const byText = new Map<string, string[]>();
  for (const folder of [...folders].sort()) {
    const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const text = licenceText(folder, name);
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  return [...byText]
    .map(([text, packages]) => ({ packages: packages.sort(), text }))
    .sort((a, b) => (a.packages[0]! < b.packages[0]! ? -1 : 1));
}

/** @throws Error where a package comes without one: it could not be passed on */
function licenceText(folder: string, name: string): string {
  const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE']
    .map((one) => path.join(folder, one))
    .find((one) => existsSync(one));
  if (file === undefined)
    throw new Error(`${name} has no licence file in ${folder}: leave it out of the page's script`);
  return readFileSync(file, 'utf8').trim();
}
