/** Generates text token ids with a causal language model, in compiled batches. */
import { setImmediate } from 'node:timers/promises';
import { type CompileOptions, compile, type Program, RandomStream, type TrainableModel } from '@psoft/engine';
import { ParameterVector, splitParameters } from '../parameters.ts';
import { lazyWeights } from '../programs.ts';
import { chooseBeams, startBeams } from './beam.ts';
import { decode } from './decode.ts';
import { chooseSingle, startSingle } from './single.ts';
import { checkDecoding, type DecodingOptions } from './strategy.ts';

export interface GeneratorOptions extends DecodingOptions, CompileOptions {
  /** Prompts that are continued at once. */
  readonly batchSize: number;
  /** Padded lengths of prompts in increasing order; a program is compiled for each that is needed. */
  readonly promptBuckets: readonly number[];
}

export interface Generation {
  /** New tokens, without the one that ended them. */
  readonly ids: Int32Array;
  /** Whether an end was reached; otherwise the text is cut off. */
  readonly finished: boolean;
  /** Of beam search: log-probability / length^lengthPenalty. */
  readonly score?: number;
}

export interface GenerationHooks {
  /** Told of every batch: prompts that are done, of how many, and new tokens a second so far. */
  onBatch?(done: number, total: number, tokensPerSecond: number): void;
  /** Asked after every batch; true ends the work with what there is. */
  shouldStop?(): boolean;
}

export class Generator {
  readonly #vector: ParameterVector;
  readonly #programs = new Map<number, Program>();
  #tokens = 0;
  #milliseconds = 0;

  /**
   * @param model whose `forward` continues sequences (task causal-lm). An adapter that is not merged is computed anew
   *   for every batch, its rotations not for every token.
   * @throws Error for settings that cannot be
   */
  constructor(
    private readonly model: TrainableModel,
    private readonly options: GeneratorOptions,
  ) {
    checkDecoding(options);
    this.#vector = new ParameterVector(model.parameters);
  }

  /** New tokens a second over all batches so far; compiling does not count, ends do. */
  get tokensPerSecond(): number {
    return this.#tokens / (this.#milliseconds / 1000);
  }

  /** New tokens so far, ends included. */
  get tokens(): number {
    return this.#tokens;
  }

  /**
   * Continues each prompt. What is drawn for one depends on its place and the seed, not on what it is batched with.
   * @param prompts token ids, with the token that starts a text where the model wants one
   * @returns in the order of the prompts; fewer when stopped
   * @throws Error for a prompt that is empty or longer than the longest bucket
   */
  async generate(prompts: readonly Int32Array[], hooks: GenerationHooks = {}): Promise<Generation[]> {
    const { batchSize } = this.options;
    const results: Generation[] = [];
    // The longest first: a lack of memory shows at once.
    const order = [...prompts.keys()].sort((a, b) => prompts[b]!.length - prompts[a]!.length || a - b);
    for (const index of order) this.#bucketOf(prompts[index]!, index);
    for (let start = 0; start < order.length; start += batchSize) {
      const places = order.slice(start, start + batchSize);
      const bucket = this.#bucketOf(prompts[places[0]!]!, places[0]!);
      const program = await this.#program(bucket);
      const begun = performance.now();
      const outputs = await program.run(this.#inputs(prompts, places, bucket));
      this.#milliseconds += performance.now() - begun;
      places.forEach((place, row) => {
        const generation = this.#generationOf(outputs, row);
        results[place] = generation;
        this.#tokens += generation.ids.length + (generation.finished ? 1 : 0);
      });
      hooks.onBatch?.(start + places.length, order.length, this.tokensPerSecond);
      await setImmediate();
      if (hooks.shouldStop?.()) break;
    }
    return results;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
    this.#programs.clear();
  }

  #bucketOf(prompt: Int32Array, index: number): number {
    const { promptBuckets } = this.options;
    if (prompt.length === 0) throw new Error(`prompt ${index + 1} has no tokens: give at least one`);
    const bucket = promptBuckets.find((length) => length >= prompt.length);
    if (bucket !== undefined) return bucket;
    throw new Error(
      `prompt ${index + 1} has ${prompt.length} tokens, the longest bucket is ${promptBuckets.at(-1)}: add a bucket`,
    );
  }

  #inputs(prompts: readonly Int32Array[], places: readonly number[], length: number) {
    const { batchSize, padId, strategy, maxNewTokens } = this.options;
    const inputIds = new Int32Array(batchSize * length).fill(padId);
    const attentionMask = new Float32Array(batchSize * length);
    const idle = new Int32Array(batchSize).fill(1);
    for (let row = 0; row < batchSize; row++) {
      const prompt = row < places.length ? prompts[places[row]!]! : undefined;
      const end = (row + 1) * length;
      if (prompt !== undefined) {
        inputIds.set(prompt, end - prompt.length);
        idle[row] = 0;
      }
      // Rows of filling keep one token, so that no row is all padding.
      attentionMask.fill(1, end - (prompt?.length ?? 1), end);
    }
    const { values } = this.#vector;
    const common = { ...(values.length > 0 ? { parameters: values } : {}), inputIds, attentionMask, idle };
    if (strategy.kind !== 'sample') return common;
    const draws = new Float32Array(maxNewTokens * batchSize);
    places.forEach((place, row) => {
      const stream = RandomStream.from(strategy.seed, 'generate', String(place));
      for (let step = 0; step < maxNewTokens; step++)
        draws[step * batchSize + row] = Math.min(stream.uniform(), 1 - 2 ** -24);
    });
    return { ...common, draws };
  }

  #generationOf(outputs: Awaited<ReturnType<Program['run']>>, row: number): Generation {
    const { maxNewTokens, eosIds, strategy } = this.options;
    const stride = strategy.kind === 'beam' ? strategy.beams : 1;
    const tokens = outputs.tokens!.data as Int32Array;
    const own = tokens.subarray(row * stride * maxNewTokens, (row * stride + 1) * maxNewTokens);
    const end = own.findIndex((id) => eosIds.includes(id));
    const score = outputs.scores?.data[row * stride];
    return {
      ids: end < 0 ? own.slice() : own.slice(0, end),
      finished: end >= 0,
      ...(score === undefined ? {} : { score }),
    };
  }

  async #program(length: number): Promise<Program> {
    let program = this.#programs.get(length);
    if (program === undefined) {
      program = await this.#compile(length);
      this.#programs.set(length, program);
    }
    return program;
  }

  #compile(length: number): Promise<Program> {
    const { model, options } = this;
    const { batchSize, strategy, maxNewTokens } = options;
    const vector = this.#vector;
    const int32 = 'int32' as const;
    const float32 = 'float32' as const;
    return compile(
      ({ parameters, inputIds, attentionMask, idle, draws }, weight) => {
        const bindings = {
          weights: lazyWeights(weight),
          parameters: parameters ? splitParameters(parameters, vector.ranges) : {},
        };
        const prompts = { inputIds: inputIds!, attentionMask: attentionMask! };
        if (strategy.kind === 'beam') {
          const initial = startBeams(idle!, strategy, options);
          const choose = chooseBeams(batchSize, strategy, options);
          const end = decode(model, bindings, prompts, strategy.beams, maxNewTokens, initial, choose);
          return { tokens: end.sequences!, scores: end.scores! };
        }
        const initial = startSingle(idle!, options);
        const choose = chooseSingle(options, draws);
        const end = decode(model, bindings, prompts, 1, maxNewTokens, initial, choose);
        return { tokens: end.tokens! };
      },
      {
        inputs: {
          ...(vector.size > 0 ? { parameters: { shape: [vector.size], dtype: float32 } } : {}),
          inputIds: { shape: [batchSize, length], dtype: int32 },
          attentionMask: { shape: [batchSize, length], dtype: float32 },
          idle: { shape: [batchSize], dtype: int32 },
          ...(strategy.kind === 'sample'
            ? { draws: { shape: [maxNewTokens, batchSize], dtype: float32 } }
            : {}),
        },
        weights: model.weights,
      },
      { name: 'generate', ...options },
    );
  }
}
