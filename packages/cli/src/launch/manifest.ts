/** Kubernetes objects for a sweep: its plan as a ConfigMap, and an indexed Job for each size of job. */
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { ConfigError } from '@psoft/training/config';
import { type SweepState, serialise } from '../sweep/state.ts';
import { type Size, sizesOf } from './sizes.ts';

export interface ManifestOptions {
  readonly image: string;
  /** A volume that all pods may write to; records, runs and the sweep's state go there. */
  readonly claim: string;
  /** Runs at once. */
  readonly jobs?: number;
  /** Bytes of each run, instead of what is expected. */
  readonly memory?: number;
  readonly threads: number;
  readonly executor: string;
}

/** Where the volume is mounted, and the plan. */
const [DATA, PLAN] = ['/data', '/sweep'];
/** The smaller of what a ConfigMap may hold, with room for its other fields. */
const MOST_BYTES = 1_000_000;
/** Seconds that a step and a checkpoint may take when a pod is told to stop. */
const GRACE_SECONDS = 120;

/**
 * A List that `kubectl apply -f` takes. Pods that are evicted or preempted are replaced and go on; an index whose run
 * fails, other than by a death, is not tried again; what fails does not stop the rest.
 * @param folder of the sweep: its name is that of the objects
 * @throws ConfigError where the plan is larger than a ConfigMap may be
 */
export function manifestOf(
  folder: string,
  state: SweepState,
  jobs: readonly number[],
  options: ManifestOptions,
): Record<string, unknown> {
  const name = objectName(path.basename(folder));
  const labels = { 'app.kubernetes.io/name': 'psoft', 'psoft-sweep': name };
  const inside = {
    ...state,
    options: { ...state.options, resultsFolder: `${DATA}/results`, runsFolder: `${DATA}/runs` },
  };
  const plan = gzipSync(serialise(inside)).toString('base64');
  if (plan.length > MOST_BYTES)
    throw new ConfigError(
      `the sweep's plan takes ${plan.length} bytes, a ConfigMap ${MOST_BYTES}: divide the sweep, as by --seeds`,
    );
  const sizes = sizesOf(
    jobs.map((id) => state.jobs[id]!),
    { ...options, time: 0 },
  );
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, labels },
        binaryData: { 'sweep.json.gz': plan },
      },
      ...sizes.map((size, at) =>
        jobObject({ name, labels, size, at }, path.basename(folder), state, options),
      ),
    ],
  };
}

interface JobObject {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly size: Size;
  /** Place among the sizes. */
  readonly at: number;
}

function jobObject(
  { name, labels, size: { jobs, megabytes }, at }: JobObject,
  folder: string,
  state: SweepState,
  { image, claim, jobs: atOnce, threads, executor }: ManifestOptions,
) {
  const memory = megabytes === undefined ? {} : { memory: `${megabytes}M` };
  const gpu = executor === 'cuda' ? { 'nvidia.com/gpu': '1' } : {};
  const container = {
    name: 'psoft',
    image,
    command: ['node_modules/.bin/psoft', 'sweep', 'work', `${DATA}/runs/sweeps/${folder}`],
    args: [
      `--state=${PLAN}/sweep.json.gz`,
      `--among=${jobs.join(',')}`,
      '--job=$(PSOFT_INDEX)',
      '--scheduler-id=$(PSOFT_POD)',
    ],
    env: [
      fromField('PSOFT_INDEX', "metadata.annotations['batch.kubernetes.io/job-completion-index']"),
      fromField('PSOFT_POD', 'metadata.name'),
    ],
    resources: { requests: { cpu: String(threads), ...memory }, limits: { ...memory, ...gpu } },
    volumeMounts: [
      { name: 'sweep', mountPath: PLAN, readOnly: true },
      { name: 'data', mountPath: DATA },
    ],
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${name}-${at}`, labels },
    spec: {
      completionMode: 'Indexed',
      completions: jobs.length,
      parallelism: Math.min(atOnce ?? jobs.length, jobs.length),
      // Of each index: an index that fails for good leaves the others alone.
      backoffLimitPerIndex: state.watch.attempts - 1,
      maxFailedIndexes: jobs.length,
      // The one before has ended when the next begins: both would be at one run.
      podReplacementPolicy: 'Failed',
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          // The run itself failed: it would again.
          { action: 'FailIndex', onExitCodes: { containerName: 'psoft', operator: 'In', values: [1] } },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: GRACE_SECONDS,
          containers: [container],
          volumes: [
            { name: 'sweep', configMap: { name } },
            { name: 'data', persistentVolumeClaim: { claimName: claim } },
          ],
        },
      },
    },
  };
}

const fromField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** A DNS label; the pods of a Job add to it. */
function objectName(folder: string): string {
  const [, name = '', hash = ''] = /^(.*)-([0-9a-f]{8})$/.exec(folder) ?? [undefined, folder];
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return ['psoft', plain.slice(0, 36).replace(/-+$/, ''), hash].filter((part) => part !== '').join('-');
}
