/** Entry of the computing process: one job, then exit. */
import { measureAngles } from './angles.ts';
import { executeEvaluation } from './evaluate/execute.ts';
import { executeRun, type RunHooks } from './execute.ts';
import { generateTexts } from './generate.ts';
import { HeldError } from './lock.ts';
import { planMemory } from './memory.ts';
import { mergeRun } from './merge.ts';
import { planRun } from './plan.ts';
import { predict } from './predict/index.ts';
import type { FromChild, ToChild } from './protocol.ts';

let stopRequested = false;

function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

// The parent decides what a signal means; a terminal sends it to both.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// The parent is gone: stop as if asked to.
process.on('disconnect', () => {
  stopRequested = true;
});

const hooks: RunHooks = {
  note: (text) => void tell({ type: 'note', text }),
  download: (progress) => void tell({ type: 'download', ...progress }),
  step: (info) => void tell({ type: 'step', ...info }),
  epoch: (row, isBest) => void tell({ type: 'epoch', row, isBest }),
  shouldStop: () => stopRequested,
  lock: (file, nonce) => void tell({ type: 'lock', file, nonce }),
};

function perform(job: Exclude<ToChild, { type: 'stop' }>) {
  if (job.type === 'train') return executeRun(job.request, hooks);
  if (job.type === 'memory') return planMemory(job.request);
  if (job.type === 'plan') return planRun(job.request, hooks);
  if (job.type === 'evaluate') return executeEvaluation(job.request, hooks);
  if (job.type === 'generate') return generateTexts(job.request, hooks);
  if (job.type === 'angles') return measureAngles(job.request, hooks);
  if (job.type === 'merge') return mergeRun(job.request, hooks);
  return predict(job.request, hooks);
}

process.on('message', (message: ToChild) => {
  if (message.type === 'stop') {
    stopRequested = true;
    return;
  }
  perform(message)
    .then((result) => tell({ type: 'done', result }))
    .catch((error: Error) => {
      const stack = isBug(error) ? error.stack : undefined;
      return tell({
        type: 'failed',
        message: error.message,
        ...(stack === undefined ? {} : { stack }),
        ...(error instanceof HeldError ? { isHeld: true as const } : {}),
      });
    })
    .finally(() => process.exit());
});

/** Mistakes in the code show where they happened; everything else is one line for the user. */
function isBug(error: Error): boolean {
  return (
    [TypeError, RangeError, ReferenceError].some((type) => error instanceof type) ||
    /^internal\b/.test(error.message)
  );
}
