/** What pnpm's lock file says is installed with the packages, as far as notices need it. */

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Installed on some systems only. */
  readonly isForPlatform: boolean;
  /** Keys of those it asks for. */
  readonly dependencies: readonly string[];
}

export interface Lock {
  /** Keys of what the workspace's packages ask for outside development, without each other. */
  readonly roots: readonly string[];
  /** By `name@version`, with the versions of peers behind it. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

const KINDS = ['dependencies', 'optionalDependencies'];

/** @throws Error for a lock file of another version than 9 */
export function readLock(text: string): Lock {
  if (!/^lockfileVersion: '9\.0'$/m.test(text))
    throw new Error('pnpm-lock.yaml is not of version 9.0: see tools/notices/lock.ts');
  const roots: string[] = [];
  const platform = new Set<string>();
  const packages = new Map<string, LockedPackage & { dependencies: string[] }>();
  let section = '';
  let key = '';
  let kind = '';
  let wanted = '';
  for (const line of text.split('\n')) {
    const entry = /^( *)('?)([^'\s][^']*?)\2:(?: (.*))?$/.exec(line);
    if (entry === null) continue;
    const depth = entry[1]!.length / 2;
    const [name, value = ''] = [entry[3]!, entry[4]?.replace(/^'|'$/g, '')];
    if (depth === 0) section = name;
    if (depth === 1) {
      key = name;
      kind = '';
      if (section === 'snapshots')
        packages.set(key, { ...nameAndVersion(key), isForPlatform: false, dependencies: [] });
    }
    if (depth === 2) kind = name;
    if (section === 'packages' && depth === 2 && (name === 'os' || name === 'cpu')) platform.add(key);
    if (section === 'importers' && depth === 3) wanted = name;
    if (
      section === 'importers' &&
      depth === 4 &&
      name === 'version' &&
      KINDS.includes(kind) &&
      !value.startsWith('link:')
    )
      roots.push(`${wanted}@${value}`);
    if (section === 'snapshots' && depth === 3 && KINDS.includes(kind))
      // An alias is locked under the name that it stands for.
      packages.get(key)!.dependencies.push(/^@?[^@(]+@/.test(value) ? value : `${name}@${value}`);
  }
  for (const [snapshot, found] of packages)
    packages.set(snapshot, { ...found, isForPlatform: platform.has(`${found.name}@${found.version}`) });
  return { roots: [...new Set(roots)], packages };
}

/**
 * Everything that the roots bring in, themselves included. What only a package for some system asks for counts as one, too.
 * @throws Error for a key that the lock does not explain
 */
export function closure({ roots, packages }: Lock): LockedPackage[] {
  const follow = (from: Iterable<string>, isForPlatform: boolean): Map<string, LockedPackage> => {
    const seen = new Set(from);
    for (const key of seen) {
      const found = packages.get(key);
      if (found === undefined) throw new Error(`pnpm-lock.yaml has no entry for ${key}`);
      if (isForPlatform || !found.isForPlatform) for (const one of found.dependencies) seen.add(one);
    }
    return new Map([...seen].map((key) => [key, packages.get(key)!]));
  };
  const everywhere = follow(roots, false);
  const distinct = new Map<string, LockedPackage>();
  for (const [key, one] of follow(everywhere.keys(), true))
    distinct.set(`${one.name}@${one.version}`, everywhere.has(key) ? one : { ...one, isForPlatform: true });
  return [...distinct.values()];
}

function nameAndVersion(key: string): { name: string; version: string } {
  const [, name, version] = /^(@?[^@]+)@([^(]+)/.exec(key)!;
  return { name: name!, version: version! };
}
