/** THIRD-PARTY-NOTICES.md: what is installed with the packages, and under which licence. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { closure, type LockedPackage, readLock } from './lock.ts';

export interface Notice {
  readonly name: string;
  readonly versions: readonly string[];
  readonly licence: string;
}

/** Licences that permit use, change and distribution, also of what is built upon the package. */
export const PERMISSIVE: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'OFL-1.1',
  'Unlicense',
];

/** Others, each with the reason why it may be there. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'LGPL-3.0-or-later': 'a shared library in a package of its own, which can be exchanged',
  'MPL-2.0': 'used as it is; only changed files would have to be published',
};

/** Licences, by the registry, of what is not installed on the system that this file is written on. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  '@emnapi/runtime': 'MIT',
  '@img/sharp-wasm32': 'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
  fsevents: 'MIT',
};

/** "linux-x64", "win32-arm64", "linuxmusl-x64", "wasm32" and the like within a package's name. */
const PLATFORM =
  /(?:\b(?:aix|android|darwin|freebsd|linux|linuxmusl|netbsd|openbsd|openharmony|sunos|win32|webcontainers)-)?(?:arm|arm64|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64|wasm32)\b/;

/**
 * @param root of the workspace, installed
 * @throws Error for a package that is not installed, or names no licence
 */
export function collectNotices(root: string): Notice[] {
  const lock = readLock(readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8'));
  const store = path.join(root, 'node_modules', '.pnpm');
  const folders = readdirSync(store);
  const found = new Map<string, { versions: Set<string>; licences: Set<string> }>();
  for (const one of closure(lock)) {
    const name = one.isForPlatform ? one.name.replace(PLATFORM, '*') : one.name;
    const entry = found.get(name) ?? { versions: new Set(), licences: new Set() };
    entry.versions.add(one.version);
    const licence = licenceOf(one, store, folders) ?? ELSEWHERE[one.name];
    if (licence !== undefined) entry.licences.add(licence);
    else if (!one.isForPlatform)
      throw new Error(`${one.name} ${one.version} is not installed: run npm run setup`);
    found.set(name, entry);
  }
  return [...found]
    .map(([name, { versions, licences }]) => {
      if (licences.size === 0) throw new Error(`${name}: no package of it is installed here`);
      return { name, versions: [...versions].sort(), licence: [...licences].sort().join(' or, by system, ') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function licenceOf(
  { name, version }: LockedPackage,
  store: string,
  folders: readonly string[],
): string | undefined {
  const start = `${name.replace('/', '+')}@${version}`;
  for (const folder of folders) {
    if (folder !== start && !folder.startsWith(`${start}_`)) continue;
    const file = path.join(store, folder, 'node_modules', name, 'package.json');
    if (!existsSync(file)) continue;
    const { license, licenses } = JSON.parse(readFileSync(file, 'utf8'));
    const stated = license ?? licenses?.[0];
    const text = typeof stated === 'string' ? stated : stated?.type;
    if (text === undefined) throw new Error(`${name} ${version} names no licence in its package.json`);
    return text;
  }
  return undefined;
}

/** Those with a licence that is neither permissive nor an exception. "(A OR B)" needs one, "A AND B" all. */
export function refusedLicences(notices: readonly Notice[]): Notice[] {
  const isAllowed = (licence: string): boolean => PERMISSIVE.includes(licence) || licence in EXCEPTIONS;
  return notices.filter(
    ({ licence }) =>
      !licence.split(' or, by system, ').every((own) =>
        own
          .replace(/[()]/g, '')
          .split(' OR ')
          .some((choice) => choice.split(' AND ').every((one) => isAllowed(one.trim()))),
      ),
  );
}

export function noticesPage(notices: readonly Notice[]): string {
  const counts = new Map<string, number>();
  for (const { licence } of notices) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  const summary = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return `# Third-party notices

What is installed with the packages of this project, by \`pnpm-lock.yaml\`, development tools left out. Nothing of it is copied into this
repository or into the published packages, but for the page of results (\`psoft results report\`), which carries the licences of what is in it;
each package brings its own licence text with it. \`*\` stands for a system: one of these packages is installed on each. Written by
\`npm run notices\`.

${summary.map(([licence, count]) => `- ${licence}: ${count}${licence in EXCEPTIONS ? ` (${EXCEPTIONS[licence]})` : ''}`).join('\n')}

| package | version | licence |
|---|---|---|
${notices.map(({ name, versions, licence }) => `| ${name.replace('*', '\\*')} | ${versions.join(', ')} | ${licence} |`).join('\n')}
`;
}
