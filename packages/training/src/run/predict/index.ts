/** Predictions of a finished run on new texts or images, or on GLUE's test sets in the form that its server takes. */
import { type RunHooks, sourceHooks } from '../execute.ts';
import { loadRun } from '../saved.ts';
import { taskOf } from '../sources.ts';
import { predictImages } from './images.ts';
import type { PredictRequest, PredictSummary } from './request.ts';
import { predictTests, predictTexts } from './texts.ts';

export type { PredictRequest, PredictSummary } from './request.ts';

/** @throws ConfigError, DataError or HubError: one line each. Files are written whole or not at all. */
export async function predict(request: PredictRequest, hooks: RunHooks): Promise<PredictSummary> {
  const run = await loadRun(request.folder, sourceHooks(hooks), request.modelFolder);
  const { from } = request;
  const definition = taskOf(run.config);
  if (from.kind === 'images') return predictImages(run, definition, request, from, hooks);
  return from.kind === 'texts'
    ? predictTexts(run, definition, request, from, hooks)
    : predictTests(run, definition, request, from, hooks);
}
