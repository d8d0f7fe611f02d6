/** TypeScript to JavaScript and declarations, all packages at once: what is published and what the API pages show. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { OUT, ROOT } from './workspace.ts';

/** Files of `packages/NAME/src` become `NAME/src` below it. */
export const COMPILED = path.join(OUT, 'compiled');

/**
 * @param only declarations, which is all that the API pages need
 * @throws Error with the compiler's messages
 */
export function compilePackages({ declarationsOnly = false } = {}): string {
  rmSync(COMPILED, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const config = path.join(OUT, 'tsconfig.compile.json');
  const relative = (place: string) => path.relative(OUT, path.join(ROOT, place));
  writeFileSync(
    config,
    JSON.stringify({
      extends: relative('tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: declarationsOnly,
        rewriteRelativeImportExtensions: true,
        rootDir: relative('packages'),
        outDir: path.relative(OUT, COMPILED),
      },
      include: [relative('packages/*/src/**/*.ts')],
      // The page's script is for browsers: it is bundled, see stage.ts.
      exclude: [relative('packages/*/src/**/*.test.ts'), relative('packages/results/src/report/page/client')],
    }),
  );
  try {
    execFileSync(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config], {
      stdio: 'pipe',
      encoding: 'utf8',
    });
  } catch (error) {
    throw new Error(`the packages do not compile:\n${(error as { stdout: string }).stdout}`);
  }
  for (const file of filesBelow(COMPILED))
    if (file.endsWith('.d.ts')) {
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, withJavaScriptImports(text));
    }
  return COMPILED;
}

/** Declarations keep the endings of the sources; whoever reads them has JavaScript beside them. */
export function withJavaScriptImports(text: string): string {
  return text.replace(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*)\.ts(['"])/g, '$1.js$2');
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
