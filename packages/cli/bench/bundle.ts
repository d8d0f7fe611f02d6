/**
 * `nx run bench:bundle`: the benches as single scripts that need Node, onnxruntime-node and koffi and nothing else of
 * this workspace, for a machine with a card: `node speed.mjs --shape=llama --device=cuda > lines.jsonl` there, `nx run
 * bench:speed --import lines.jsonl` here.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCodeInfo, readPackageVersions } from '@psoft/results';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ENGINE = createRequire(path.join(ROOT, 'packages/engine/src/tf.ts'));

/** How the engine loads tfjs: at run time, from where it is installed. Here it has to be part of the script. */
const LOADED = "require('@tensorflow/tfjs') as typeof Tf";

const withTfjs: Plugin = {
  name: 'tfjs',
  setup({ onLoad }) {
    onLoad({ filter: /packages[/\\]engine[/\\]src[/\\]tf\.ts$/ }, ({ path: file }) => {
      const source = readFileSync(file, 'utf8');
      if (!source.includes(LOADED))
        throw new Error(`${file} loads tfjs in another way: see ${fileURLToPath(import.meta.url)}`);
      const place = JSON.stringify(ENGINE.resolve('@tensorflow/tfjs'));
      const contents = `import bundled from ${place};\n${source.replace(LOADED, 'bundled as typeof Tf')}`;
      return { contents, loader: 'ts', resolveDir: path.dirname(file) };
    });
  },
};

/** @param names of the benches: files of this folder */
export async function bundleBenches(names: readonly string[], outFolder: string): Promise<void> {
  const codeInfo = await readCodeInfo(ROOT);
  const built = { ...(codeInfo && { codeInfo }), packageInfo: readPackageVersions(ROOT) };
  await build({
    entryPoints: names.map((name) => path.join(ROOT, 'packages/cli/bench', `${name}.ts`)),
    outdir: outFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['onnxruntime-node', 'koffi'],
    // Drops what a bundle never does, and what that would import.
    minifySyntax: true,
    plugins: [withTfjs],
    define: { 'process.env.PSOFT_BENCH_BUILD': JSON.stringify(JSON.stringify(built)) },
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { out: { type: 'string', default: path.join(ROOT, 'dist/bench') } },
    allowPositionals: true,
  });
  await bundleBenches(['speed', 'memory', 'growth', 'webgpu'], path.resolve(values.out));
  process.stdout.write(
    `${values.out}: speed.mjs, memory.mjs, growth.mjs, webgpu.mjs; onnxruntime-node and koffi are found from there\n`,
  );
}
