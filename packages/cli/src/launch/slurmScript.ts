/** The script that an array of Slurm jobs runs. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SweepState } from '../sweep/state.ts';
import type { Size } from './sizes.ts';

const BIN = fileURLToPath(new URL('../../bin/psoft.mjs', import.meta.url));

/** Seconds before the end of its time at which a job is told to save its state. */
const WARNING_SECONDS = 120;

export interface ScriptRequest extends Size {
  readonly folder: string;
  readonly state: SweepState;
}

/**
 * At the end of its time a job saves its state and asks to be queued again; preempted it saves its state and Slurm
 * queues it again; a worker that is killed is queued again so often as the sweep allows.
 */
export function slurmScript(
  { folder, state, minutes, megabytes, jobs }: ScriptRequest,
  {
    jobs: atOnce,
    threads,
    executor,
  }: { readonly jobs?: number; readonly threads: number; readonly executor: string },
): string {
  const options = [
    `--job-name=psoft-${path.basename(folder)}`,
    `--array=0-${jobs.length - 1}${atOnce === undefined ? '' : `%${atOnce}`}`,
    // Of what goes wrong before the job's own log is open.
    `--output=${path.join(folder, 'slurm', '%A_%a.out').replaceAll(' ', '\\ ')}`,
    '--open-mode=append',
    '--requeue',
    `--signal=B:USR1@${WARNING_SECONDS}`,
    `--cpus-per-task=${threads}`,
    ...(megabytes === undefined ? [] : [`--mem=${megabytes}M`]),
    ...(minutes === undefined ? [] : [`--time=${minutes}`]),
    ...(executor === 'cuda' ? ['--gres=gpu:1'] : []),
  ];
  return `#!/bin/bash
${options.map((option) => `#SBATCH ${option}`).join('\n')}
jobs=(${jobs.join(' ')})
job=\${jobs[$SLURM_ARRAY_TASK_ID]}
folder=${quoted(folder)}
name=$(printf %04d "$job")
exec >>"$folder/logs/$name.log" 2>&1

${quoted(process.execPath)} ${quoted(BIN)} sweep work "$folder" --job="$job" --scheduler-id="\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" &
worker=$!
again=
# The time is nearly over: the state is saved, and the job queued again.
trap 'again=1; kill -TERM "$worker" 2>/dev/null' USR1
trap 'kill -TERM "$worker" 2>/dev/null' TERM
while :; do
  wait "$worker"
  code=$?
  kill -0 "$worker" 2>/dev/null || break
done
# Above 128 a signal ended it; 130 is a worker that was asked to stop.
if [ "$code" -gt 128 ] && [ "$code" -ne 130 ]; then
  echo "the worker died: signal $((code - 128))"
  echo "$code" >>"$folder/jobs/$name.deaths"
  [ "$(wc -l <"$folder/jobs/$name.deaths")" -lt ${state.watch.attempts} ] && again=1
fi
[ -n "$again" ] && scontrol requeue "$SLURM_JOB_ID"
exit "$code"
`;
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
