/** Speed and memory are compared on one machine only, with one executor on one device. */
import { canonicalJson } from '../../identity.ts';
import type { RunRecord, SystemInfo } from '../../schema.ts';

export interface OneMachine {
  readonly records: readonly RunRecord[];
  readonly system: SystemInfo;
  /** Of other machines or devices, left out. */
  readonly left: number;
}

/**
 * Of the records those of one machine: the one that ran the most methods, of equals the one that ran the newest record.
 * @returns undefined for no records
 */
export function ofOneMachine(records: readonly RunRecord[]): OneMachine | undefined {
  const groups = new Map<string, RunRecord[]>();
  for (const record of records) {
    const key = canonicalJson(record.metaInfo.systemInfo);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const [best] = [...groups.values()].sort(
    (a, b) => methods(b) - methods(a) || (newest(a) < newest(b) ? 1 : newest(a) > newest(b) ? -1 : 0),
  );
  if (best === undefined) return undefined;
  return {
    records: best,
    system: best[0]!.metaInfo.systemInfo,
    left: records.length - best.length,
  };
}

const methods = (records: readonly RunRecord[]) =>
  new Set(records.map(({ runInfo: { method, variant } }) => JSON.stringify([method, variant ?? null]))).size;
const newest = (records: readonly RunRecord[]) =>
  records
    .map(({ runInfo }) => runInfo.createdAt)
    .sort()
    .at(-1)!;

/** "AMD EPYC, 2 cores, cpu, 1 thread". */
export function describeSystem(system: SystemInfo): string {
  const { accelerator, cpuModel, cores, executor, executionProvider, threads } = system;
  const engine = executor === 'onnx' ? executionProvider : `${executor} ${executionProvider}`;
  return [
    ...(accelerator === undefined ? [] : [accelerator]),
    `${cpuModel}, ${cores} cores`,
    engine,
    ...(threads === undefined ? [] : [`${threads} thread${threads === 1 ? '' : 's'}`]),
  ].join(', ');
}

/** What is told of a drawing whose records are of one machine. */
export function machineNotes(machines: readonly OneMachine[]): string[] {
  const names = [...new Set(machines.map(({ system }) => describeSystem(system)))];
  const left = machines.reduce((sum, one) => sum + one.left, 0);
  return [
    ...(names.length === 0 ? [] : [`Measured on ${names.join('; ')}.`]),
    ...(left === 0
      ? []
      : [
          `Left out: ${left} ${left === 1 ? 'record' : 'records'} of other machines, devices or settings of them.`,
        ]),
  ];
}
