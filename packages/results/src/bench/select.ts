/** Which bench records are compared with each other. */
import { canonicalJson } from '../identity.ts';
import type { BenchRecord } from './schema.ts';

/** Speed and memory are compared on one machine, with one executor on one device. */
export function machineOf({ metaInfo: { systemInfo } }: BenchRecord): object {
  const { cpuModel, cores, accelerator, executor, executionProvider, threads } = systemInfo;
  return { cpuModel, cores, accelerator, executor, executionProvider, threads };
}

/**
 * Of records that agree in `keyOf` the largest group, of equals the one with the newest record.
 * @param sizeOf what makes a group large; left out: its number of records
 * @returns none for no records
 */
export function largestGroup(
  records: readonly BenchRecord[],
  keyOf: (record: BenchRecord) => object,
  sizeOf: (group: readonly BenchRecord[]) => number = (group) => group.length,
): readonly BenchRecord[] {
  const groups = new Map<string, BenchRecord[]>();
  for (const record of records) {
    const key = canonicalJson(keyOf(record));
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const ranked = [...groups].map(([key, group]) => ({
    ...{ key, group, size: sizeOf(group) },
    newest: group.map(({ createdAt }) => createdAt).sort()[group.length - 1]!,
  }));
  const [chosen] = ranked.sort(
    (a, b) => b.size - a.size || compare(b.newest, a.newest) || compare(a.key, b.key),
  );
  return chosen?.group ?? [];
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
