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
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const used = new Set(texts.flatMap((text) => [...importedPackages(text, manifest.name)]));
  // Files of a package are also asked for by a name that is put together.
  const isNamed = (name: string) =>
    texts.some((text) => ["'", '"', '`'].some((quote) => text.includes(quote + name)));
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  const allowed = new Set([...declared, ...Object.keys(manifest.peerDependencies ?? {}), ...SOURCE_ONLY]);
  return [
    ...[...used]
      .filter((name) => !allowed.has(name))
      .map((name) => `imports ${name}, which is no dependency`),
    ...declared.filter((name) => !isNamed(name)).map((name) => `depends on ${name}, which nothing imports`),
  ].map((problem) => `${manifest.name} ${problem}`);
}
