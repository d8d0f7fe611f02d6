/** What compiled code imports, held against what its package.json declares. */
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { SOURCE_ONLY } from './manifest.ts';
import type { Manifest } from './workspace.ts';

const SPECIFIER =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\(\s*|\bimport\.meta\.resolve\(\s*|\bcreateRequire\([\w.]+\)\(\s*)(['"])([@a-z][\w@./-]*)\1/g;

/** Packages that the code names in imports, `require` and `import.meta.resolve`; its own and Node's left out. */
export function importedPackages(code: string, own: string): Set<string> {
  const found = new Set<string>();
  for (const [, , specifier] of code.matchAll(SPECIFIER)) {
    if (specifier!.startsWith('node:') || builtinModules.includes(specifier!)) continue;
    const parts = specifier!.split('/');
    const name = specifier!.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
    if (name !== own) found.add(name);
  }
  return found;
}

/**
 * @param files compiled JavaScript and declarations of the package
 * @returns lines that say what is imported and not declared, or declared and not imported
 */
export function importProblems(manifest: Manifest, files: readonly string[]): string[] {
  const used = new Set<string>();
  for (const file of files)
    for (const name of importedPackages(readFileSync(file, 'utf8'), manifest.name)) used.add(name);
  const declared = Object.keys(manifest.dependencies ?? {});
  const allowed = new Set([...declared, ...Object.keys(manifest.peerDependencies ?? {})]);
  return [
    ...[...used]
      .filter((name) => !allowed.has(name) && !SOURCE_ONLY.includes(name))
      .map((name) => `imports ${name}, which is no dependency`),
    ...declared.filter((name) => !used.has(name)).map((name) => `depends on ${name}, which nothing imports`),
  ].map((problem) => `${manifest.name} ${problem}`);
}
