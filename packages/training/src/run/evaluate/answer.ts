/** Problems answered by a model: what it says, how probable it finds the choices, and every scorer's verdict. */
import { PeftModel } from '@psoft/adapter';
import { cutAtStop, promptHash, type Tokenizer } from '@psoft/datasets';
import type { TrainableModel } from '@psoft/engine';
import type { RunRecord } from '@psoft/results';
import { type Generation, Generator, LikelihoodScorer } from '../../generate/index.ts';
import { encodePair } from '../../generate/pairs.ts';
import { encodePrompt, eosIdsOf } from '../../generate/prompts.ts';
import { freeze } from '../../trainable.ts';
import type { RunHooks } from '../execute.ts';
import { executionOptions } from '../execution.ts';
import type { RunOptions } from '../protocol.ts';
import type { EvaluationConfig } from './config.ts';
import type { EvaluationDefinition, ScoredChoice } from './definition.ts';
import { type GenerationRow, verdictsOf } from './generations.ts';
import { generates, type ReadProblems } from './identity.ts';
import type { OpenSubject } from './subject.ts';

/** What it took; each absent where it was not done. */
export type Work = Pick<RunRecord['trainInfo'], 'generation' | 'likelihood'>;

/** What the parts of the work share. */
interface Job {
  readonly model: TrainableModel;
  readonly tokenizer: Tokenizer;
  readonly definition: EvaluationDefinition;
  readonly examples: ReadProblems['examples'];
  /** Their prompts. */
  readonly encoded: readonly Int32Array[];
  /** Places of the problems whose prompts are short enough. */
  readonly fitting: readonly number[];
  readonly evaluation: EvaluationConfig['evaluation'];
  readonly options: Pick<RunOptions, 'executor' | 'threads'>;
  /** Told of problems that are done, over all parts. */
  readonly onDone: (done: number, tokensPerSecond?: number) => void;
  readonly shouldStop: () => boolean;
}

/** @returns undefined when stopped */
export async function answerProblems(
  { model: given, tokenizer }: Pick<OpenSubject, 'model' | 'tokenizer'>,
  definition: EvaluationDefinition,
  { examples }: ReadProblems,
  { evaluation }: Pick<EvaluationConfig, 'evaluation'>,
  options: RunOptions,
  hooks: RunHooks,
): Promise<({ readonly rows: GenerationRow[] } & Work) | undefined> {
  const { buckets, merge, scorer } = evaluation;
  const longest = buckets.at(-1)!;
  const encoded = examples.map(({ prompt }) => encodePrompt(tokenizer, prompt));
  const fitting = [...encoded.keys()].filter((i) => encoded[i]!.length <= longest);
  const tooLong = examples.length - fitting.length;
  const isCompared = definition.likelihoodScorers !== undefined;
  const isGenerated = generates(definition, scorer);
  const total = fitting.length * (Number(isCompared) + Number(isGenerated));
  let before = 0;
  const job: Job = {
    model: merge && given instanceof PeftModel ? await freeze(await given.mergeAndUnload()) : given,
    tokenizer,
    definition,
    examples,
    encoded,
    fitting,
    evaluation: { ...evaluation, batchSize: Math.max(1, Math.min(evaluation.batchSize, fitting.length)) },
    options,
    onDone: (done, tokensPerSecond = Number.NaN) =>
      hooks.step({ step: before + done, totalSteps: total, loss: Number.NaN, tokensPerSecond }),
    shouldStop: () => hooks.shouldStop(),
  };
  const compared = isCompared ? await compare(job) : undefined;
  if (isCompared && compared === undefined) return undefined;
  before = isCompared ? fitting.length : 0;
  const generated = isGenerated ? await generate(job) : undefined;
  if (isGenerated && generated === undefined) return undefined;
  if (tooLong > 0)
    hooks.note(`${tooLong} prompts have more than ${longest} tokens: not answered, counted as wrong`);
  const rows = examples.map(({ prompt, reference }, index): GenerationRow => {
    const said = generated
      ? textOf(generated.generations.get(index), tokenizer, definition.stops)
      : ({ text: '', tokens: 0, end: compared!.choices.has(index) ? 'none' : 'prompt' } as const);
    const choices = compared?.choices.get(index);
    const answer = { prompt, reference, ...said, ...(choices === undefined ? {} : { choices }) };
    return { index, promptHash: promptHash(prompt), ...answer, verdicts: verdictsOf(definition, answer) };
  });
  const counted = tooLong > 0 ? { tooLong } : {};
  return {
    rows,
    ...(compared && { likelihood: { problems: rows.length, ...counted, ...compared.work } }),
    ...(generated && {
      generation: {
        prompts: rows.length,
        unfinished: rows.filter(({ end }) => end === 'length').length,
        ...counted,
        ...generated.work,
      },
    }),
  };
}

function computing({ precision = 'f32' }: Job['evaluation'], options: Job['options']) {
  return executionOptions({ ...options, precision });
}

/** The likelihood of every choice, by the problem's place. */
async function compare({
  model,
  tokenizer,
  examples,
  fitting,
  evaluation,
  options,
  onDone,
  shouldStop,
}: Job) {
  const { batchSize, buckets } = evaluation;
  const pairs = fitting.map((i) => {
    const { prompt, choices = [] } = examples[i]!;
    return choices.map(({ text }) => encodePair(tokenizer, prompt, text));
  });
  const requests = pairs.map((own) => ({
    prompt: own[0]!.prompt,
    continuations: own.map(({ continuation }) => continuation),
  }));
  // A prompt's bucket, and what follows it.
  const room = Math.max(
    0,
    ...requests.flatMap(({ continuations }) => continuations.map(({ length }) => length)),
  );
  const scorer = new LikelihoodScorer(model, {
    batchSize,
    buckets: buckets.map((length) => length + room),
    padId: tokenizer.padId,
    ...computing(evaluation, options),
  });
  const started = performance.now();
  try {
    const scores = await scorer.score(requests, { onBatch: (done) => onDone(done), shouldStop });
    if (scores.length < requests.length) return undefined;
    const choices = new Map(
      fitting.map((index, at): [number, ScoredChoice[]] => [
        index,
        examples[index]!.choices!.map((choice, i) => ({ ...choice, logProbability: scores[at]![i]! })),
      ]),
    );
    const count = requests.reduce((sum, { continuations }) => sum + continuations.length, 0);
    return { choices, work: { choices: count, seconds: (performance.now() - started) / 1000 } };
  } finally {
    await scorer.dispose();
  }
}

/** What the model says, by the problem's place. */
async function generate(job: Job) {
  const { model, tokenizer, encoded, fitting, evaluation, options, onDone, shouldStop } = job;
  const { strategy, maxNewTokens, buckets, batchSize } = evaluation;
  const generator = new Generator(model, {
    strategy,
    maxNewTokens,
    batchSize,
    promptBuckets: buckets,
    eosIds: eosIdsOf(model.base.config, tokenizer),
    padId: tokenizer.padId,
    ...computing(evaluation, options),
  });
  const started = performance.now();
  try {
    const said = await generator.generate(
      fitting.map((i) => encoded[i]!),
      { onBatch: (done, _, tokensPerSecond) => onDone(done, tokensPerSecond), shouldStop },
    );
    if (fitting.some((_, at) => said[at] === undefined)) return undefined;
    const { tokens, tokensPerSecond } = generator;
    return {
      generations: new Map(fitting.map((index, at) => [index, said[at]!])),
      work: {
        tokens,
        seconds: (performance.now() - started) / 1000,
        ...(Number.isFinite(tokensPerSecond) ? { tokensPerSecond } : {}),
        batchSize,
      },
    };
  } finally {
    await generator.dispose();
  }
}

function textOf(
  generation: Generation | undefined,
  tokenizer: Tokenizer,
  stops: readonly string[],
): Pick<GenerationRow, 'text' | 'tokens' | 'end'> {
  if (generation === undefined) return { text: '', tokens: 0, end: 'prompt' };
  const { ids, finished } = generation;
  const text = tokenizer.decode(ids);
  const isStopped = cutAtStop(text, stops).length < text.length;
  return { text, tokens: ids.length, end: isStopped ? 'stop' : finished ? 'end' : 'length' };
}
