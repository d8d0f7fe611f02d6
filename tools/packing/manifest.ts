/** The package.json of a published package: what the sources' says, of JavaScript. */
import type { Manifest } from './workspace.ts';

/** They make JavaScript of the sources where those are run; what is published is made already. */
export const SOURCE_ONLY = ['tsx', 'esbuild'];

/** Published alongside whatever a package asks for. */
const ALWAYS = ['LICENSE', 'NOTICE'];

/**
 * @param versions of the workspace's packages, by name
 * @throws Error for a package that lacks a field, and for a workspace package that there is not
 */
export function publishedManifest(manifest: Manifest, versions: ReadonlyMap<string, string>): Manifest {
  for (const field of ['description', 'license', 'keywords', 'engines', 'files'])
    if (manifest[field] === undefined) throw new Error(`${manifest.name}: package.json has no "${field}"`);
  const { devDependencies: _, scripts: __, dependencies = {}, exports, files, ...rest } = manifest;
  const published = Object.entries(dependencies).filter(([name]) => !SOURCE_ONLY.includes(name));
  return {
    ...rest,
    ...(exports === undefined
      ? {}
      : {
          exports: Object.fromEntries(
            Object.entries(exports).map(([key, target]) => [key, compiledTarget(target)]),
          ),
        }),
    files: [...files!, ...ALWAYS],
    dependencies: Object.fromEntries(
      published.map(([name, range]) => [name, range === 'workspace:*' ? versionOf(name, versions) : range]),
    ),
  } as unknown as Manifest;
}

/** "./src/run/config.ts" is "./dist/run/config.js", with its declarations. */
export function compiledTarget(target: string): unknown {
  if (!target.startsWith('./src/')) return target;
  const place = `./dist/${target.slice('./src/'.length).replace(/\.ts$/, '')}`;
  return { types: `${place}.d.ts`, default: `${place}.js` };
}

function versionOf(name: string, versions: ReadonlyMap<string, string>): string {
  const version = versions.get(name);
  if (version === undefined) throw new Error(`the workspace has no package ${name}`);
  return version;
}
