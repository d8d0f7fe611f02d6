/** A run's plan as text. */
import { formatCount } from '@psoft/results';
import { ConfigError } from '@psoft/training/config';
import type { MemoryPlan, RunPlan } from '@psoft/training/supervise';
import { formatBytes } from './progress.ts';
import { layOut } from './textTable.ts';

/** @param runs as many runs as there are learning rates to choose from, each like this one */
export function planReport(plan: RunPlan, runs = 1): string {
  const { description, epochs, stepsAnEpoch, totalSteps, warmupSteps, parameters, memory, seconds } = plan;
  const milliseconds = (value: number | undefined) => (value === undefined ? '' : `${value.toFixed(0)} ms`);
  const buckets = layOut(
    ['padded to', 'training batches', 'a step', 'evaluation batches', 'a batch'],
    plan.buckets.map((bucket) => [
      String(bucket.length),
      formatCount(bucket.trainBatches),
      milliseconds(bucket.stepMilliseconds),
      formatCount(bucket.evaluationBatches),
      milliseconds(bucket.evaluationMilliseconds),
    ]),
    false,
  );
  const total = seconds.compile + seconds.train + seconds.evaluate;
  return `${[
    description,
    `configuration ${plan.configHash.slice(0, 8)}`,
    `steps: ${formatCount(totalSteps)} (${epochs} ${epochs === 1 ? 'epoch' : 'epochs'} of ${formatCount(stepsAnEpoch)}, ${formatCount(warmupSteps)} of them warm-up)`,
    ...buckets.map((line) => `  ${line}`),
    `padding: ${(100 * plan.paddingShare).toFixed(0)} % of the places; ${formatCount(plan.atMaxLength)} examples fill the maximum length and may be cut`,
    `parameters: ${formatCount(parameters.adapter)} trained beside the head's ${formatCount(parameters.head)}, ${formatCount(parameters.total)} in all`,
    `memory: weights ${formatBytes(memory.weightsBytes)}, training state ${formatBytes(memory.trainingBytes)}; measured peak ${formatBytes(memory.peakBytes)}`,
    `expected time: ${formatTime(total)} (compiling ${formatTime(seconds.compile)}, training ${formatTime(seconds.train)}, evaluation ${formatTime(seconds.evaluate)})`,
    ...(plan.sample === undefined ? [] : sampleReport(plan.sample)),
    ...(runs === 1 ? [] : [`${runs} such runs: the learning rate is chosen from as many`]),
    'nothing was written',
  ].join('\n')}\n`;
}

/**
 * Predicted from the model's description: for weights stored as float32, as bfloat16, and in 4 bits.
 * @throws ConfigError with the numbers where none fits into what is free
 */
export function memoryReport({ model, rows, length, f32, bf16, fourBit, available }: MemoryPlan): string {
  const parts = ['weights', 'copies', 'adapter', 'state', 'activations', 'base', 'total'] as const;
  const table = layOut(
    ['weights stored as', ...parts],
    Object.entries({ f32, bf16, '4 bits': fourBit }).map(([name, prediction]) => [
      name,
      ...parts.map((part) => formatBytes(prediction[part])),
    ]),
    false,
  );
  const text = [
    `memory of a step of ${model}, ${rows} x ${length} tokens, predicted; ${formatBytes(available)} are free:`,
    ...table.map((line) => `  ${line}`),
  ].join('\n');
  if (Math.min(f32.total, bf16.total, fourBit.total) > available)
    throw new ConfigError(
      `${text}\nnone fits: take a smaller --micro-batch-size, --recompute, or a machine with more memory`,
    );
  return `${text}\n`;
}

/** Prompt and response as they are read, each with a mark at the start of its lines: what is learnt is marked ">". */
function sampleReport({
  index,
  tokens,
  given,
  learnt,
  learntTokens,
  paddedTo,
}: NonNullable<RunPlan['sample']>) {
  const marked = (text: string, mark: string) =>
    text.split('\n').map((line) => `  ${mark} ${line}`.trimEnd());
  return [
    `example ${index + 1}: ${tokens} tokens padded to ${paddedTo}; the loss counts ${learntTokens}, marked >`,
    ...marked(given, '|'),
    ...marked(learnt, '>'),
  ];
}

/** "42 s", "12 min", "3 h 05 min". */
export function formatTime(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100
    ? `${minutes} min`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
