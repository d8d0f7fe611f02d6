/** Entry of the training process: one run, then exit. */
import { executeRun } from './execute.ts';
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

process.on('message', (message: ToChild) => {
  if (message.type === 'stop') {
    stopRequested = true;
    return;
  }
  executeRun(message.request, {
    note: (text) => void tell({ type: 'note', text }),
    step: (info) => void tell({ type: 'step', ...info }),
    epoch: (row, isBest) => void tell({ type: 'epoch', row, isBest }),
    shouldStop: () => stopRequested,
  })
    .then((summary) => tell({ type: 'done', summary }))
    .catch((error: Error) => {
      const stack = isBug(error) ? error.stack : undefined;
      return tell({ type: 'failed', message: error.message, ...(stack === undefined ? {} : { stack }) });
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
