/** Manifests against Kubernetes' own schema, as the package kubernetes-models carries it. */
import { gunzipSync } from 'node:zlib';
import { type IJobSpec, Job } from 'kubernetes-models/batch/v1';
import { ConfigMap } from 'kubernetes-models/v1';
import { describe, expect, test } from 'vitest';
import type { SweepState } from '../sweep/state.ts';
import { type ManifestOptions, manifestOf } from './manifest.ts';
import { sizesOf } from './sizes.ts';

const job = (id: number, seconds?: number, memoryBytes?: number) => ({
  id,
  name: `job-${id}`,
  runs: [id],
  ...(seconds === undefined ? {} : { seconds }),
  ...(memoryBytes === undefined ? {} : { memoryBytes }),
});
const state = {
  format: 1,
  name: 'nlu-table2',
  title: 'Table 2',
  target: 'nlu/table2',
  hash: 'ab'.repeat(32),
  runs: [],
  jobs: [job(0, 60, 0.5e9), job(1, 60, 0.4e9), job(2, 9000, 40e9), job(3, 60, 0.5e9)],
  options: { executor: 'cpu', resultsFolder: '/here/results', runsFolder: '/here/runs' },
  watch: { attempts: 3, hangMilliseconds: 60_000 },
} as unknown as SweepState;
const options: ManifestOptions = {
  image: 'registry.example/psoft:1',
  claim: 'work',
  threads: 4,
  executor: 'cpu',
};

type Objects = { items: [Record<string, unknown>, ...Record<string, unknown>[]] };
const make = (more: Partial<ManifestOptions> = {}, own = state) =>
  manifestOf('/runs/sweeps/nlu-table2-abababab', own, [0, 1, 2, 3], { ...options, ...more }) as Objects;

describe('a manifest', () => {
  const [map, ...jobs] = make().items;

  test('is valid: a ConfigMap, and a Job for each size of job', () => {
    expect(() => new ConfigMap(map as ConstructorParameters<typeof ConfigMap>[0]).validate()).not.toThrow();
    expect(jobs).toHaveLength(2);
    for (const one of jobs)
      expect(() => new Job(one as ConstructorParameters<typeof Job>[0]).validate()).not.toThrow();
    const names = [map, ...jobs].map((one) => (one.metadata as { name: string }).name);
    expect(names).toEqual([
      'psoft-nlu-table2-abababab',
      'psoft-nlu-table2-abababab-0',
      'psoft-nlu-table2-abababab-1',
    ]);
  });

  test.each([
    ['a number that is text', (spec: Record<string, unknown>) => ({ ...spec, completions: 'three' })],
    ['no template', ({ template: _, ...spec }: Record<string, unknown>) => spec],
    [
      'a rule without an action',
      (spec: Record<string, unknown>) => ({
        ...spec,
        podFailurePolicy: { rules: [{ onPodConditions: [] }] },
      }),
    ],
  ])('with %s is not: the check can fail', (_, change) => {
    const broken = { ...jobs[0]!, spec: change(jobs[0]!.spec as Record<string, unknown>) };
    expect(() => new Job(broken as unknown as ConstructorParameters<typeof Job>[0]).validate()).toThrow();
  });

  test('uses fields of batch/v1 only', () => {
    // The schema lets unknown fields pass, the type of its package does not.
    const known = {
      completionMode: true,
      completions: true,
      parallelism: true,
      backoffLimitPerIndex: true,
      maxFailedIndexes: true,
      podReplacementPolicy: true,
      podFailurePolicy: true,
      template: true,
    } satisfies Partial<Record<keyof IJobSpec, true>>;
    for (const { spec } of jobs) expect(Object.keys(spec as object)).toEqual(Object.keys(known));
  });

  test('gives every pod its job by its place, its memory, and the plan with the volume’s folders', () => {
    const [small, large] = jobs.map((one) => (one as { spec: JobSpec }).spec);
    expect(small).toMatchObject({ completions: 3, completionMode: 'Indexed', backoffLimitPerIndex: 2 });
    const container = small!.template.spec.containers[0]!;
    expect(container.args).toContain('--among=0,1,3');
    expect(container.resources).toEqual({
      requests: { cpu: '4', memory: '1024M' },
      limits: { memory: '1024M' },
    });
    expect(large!.template.spec.containers[0]!.args).toContain('--among=2');
    expect(large!.template.spec.containers[0]!.resources.limits).toEqual({ memory: '65536M' });
    const { binaryData } = map as { binaryData: Record<string, string> };
    const plan = JSON.parse(gunzipSync(Buffer.from(binaryData['sweep.json.gz']!, 'base64')).toString('utf8'));
    expect(plan.options).toEqual({
      executor: 'cpu',
      resultsFolder: '/data/results',
      runsFolder: '/data/runs',
    });
    expect(JSON.stringify(plan)).not.toContain('/here');
  });

  test('asks for a GPU where runs want one, and limits how many run at once', () => {
    const { spec } = make({ executor: 'cuda', jobs: 2 }).items[1] as unknown as { spec: JobSpec };
    expect(spec.template.spec.containers[0]!.resources.limits).toMatchObject({ 'nvidia.com/gpu': '1' });
    expect(spec.parallelism).toBe(2);
  });

  test('refuses a plan that no ConfigMap holds', () => {
    const text = Array.from({ length: 300_000 }, (_, i) => Math.sin(i).toString(36)).join('');
    const large = { ...state, runs: [{ label: text, config: { unavailable: '' } }] };
    expect(() => make({}, large)).toThrow(
      /the sweep's plan takes \d+ bytes, a ConfigMap 1000000: divide the sweep/,
    );
  });
});

interface JobSpec {
  completions: number;
  parallelism: number;
  template: { spec: { containers: { args: string[]; resources: { limits: object } }[] } };
}

describe('sizes', () => {
  test('ask for twice the time and a third more memory, in few steps', () => {
    expect(sizesOf(state.jobs, {})).toEqual([
      { minutes: 15, megabytes: 1024, jobs: [0, 1, 3] },
      { minutes: 480, megabytes: 65_536, jobs: [2] },
    ]);
  });
  test('of jobs of which nothing is known ask for nothing, and what is said holds for all', () => {
    expect(sizesOf([job(0), job(1, 60)], {})).toEqual([{ jobs: [0] }, { minutes: 15, jobs: [1] }]);
    expect(sizesOf([job(0), job(1, 60)], { time: 20, memory: 2e9 })).toEqual([
      { minutes: 20, megabytes: 2000, jobs: [0, 1] },
    ]);
  });
});
