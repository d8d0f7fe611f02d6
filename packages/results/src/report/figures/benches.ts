/** What figures of bench records say of them. */
import type { BenchRecord } from '../../bench/schema.ts';
import type { StepCost } from '../../bench/steps.ts';
import { describeSystem } from './machine.ts';

/** "vit, 2 layers of width 64". */
export function shapesOf(records: readonly BenchRecord[]): string[] {
  return unique(
    records.map(({ point }) => `${point.shape}, ${point.layers} layers of width ${point.hidden}`),
  ).sort();
}

/** The machine with the versions of what ran on it, what could not run and why, and how many records were left out. */
export function benchNotes(costs: readonly StepCost[], left: number, reason: string): string[] {
  const [first] = costs;
  if (first === undefined) return [];
  const versions = unique(
    costs.map(({ record: { metaInfo } }) =>
      [
        `Node ${metaInfo.systemInfo.node}`,
        ...Object.entries(metaInfo.packageInfo)
          .filter(([name]) => name === 'onnxruntime-node')
          .map(([name, version]) => `${name} ${version}`),
      ].join(', '),
    ),
  ).sort();
  const commits = unique(
    costs.flatMap(({ record }) => record.metaInfo.codeInfo?.commit.slice(0, 8) ?? []),
  ).sort();
  return [
    `Measured on ${describeSystem(first.record.metaInfo.systemInfo)}, float32; ${versions.join('; ')}${commits.length === 0 ? '' : `; code ${commits.join(', ')}`}.`,
    ...unique(
      costs.flatMap(({ label, record: { point, unavailable } }) =>
        unavailable === undefined ? [] : [`${label} at batch ${point.batch}: ${unavailable}.`],
      ),
    ),
    ...(left === 0 ? [] : [`Left out: ${left} ${left === 1 ? 'record' : 'records'} ${reason}.`]),
  ];
}

/** Measures these methods beside what is recorded, on as many threads. */
export function benchCommand(
  target: string,
  profile: string,
  methods: readonly string[],
  costs: readonly StepCost[],
): string[] {
  if (methods.length === 0) return [];
  const threads = costs[0]?.record.metaInfo.systemInfo.threads;
  return [
    [
      `npx nx run ${target}`,
      ...(profile === 'tiny' ? [] : [`-c ${profile}`]),
      `--methods=${unique(methods).join(',')}`,
      ...(threads === undefined ? [] : [`--threads=${threads}`]),
    ].join(' '),
  ];
}

const unique = (values: readonly string[]) => [...new Set(values)];
