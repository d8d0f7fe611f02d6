/**
 * How probable given continuations of a prompt are, in compiled batches: log p of each is the sum over its tokens, as
 * lm-evaluation-harness compares the options of a question.
 */
import { setImmediate } from 'node:timers/promises';
import {
  type CompileOptions,
  compile,
  type Program,
  type Tensor,
  type TensorMap,
  type TrainableModel,
  tf,
} from '@psoft/engine';
import { ParameterVector, splitParameters } from '../parameters.ts';
import { lazyWeights } from '../programs.ts';

export interface LikelihoodOptions extends CompileOptions {
  /** Rows that are run at once. */
  readonly batchSize: number;
  /** Padded lengths of prompt and continuation together, in increasing order. */
  readonly buckets: readonly number[];
  readonly padId: number;
}

/** A prompt and what may follow it, as token ids; none is empty. */
export interface Continuations {
  readonly prompt: Int32Array;
  readonly continuations: readonly Int32Array[];
}

export interface LikelihoodHooks {
  /** Told of every batch: prompts that are done, of how many. */
  onBatch?(done: number, total: number): void;
  /** Asked after every batch; true ends the work with what there is. */
  shouldStop?(): boolean;
}

/** Continuations of one prompt that differ in their last token only: one pass serves all of them. */
interface Row {
  readonly request: number;
  /** Places among the request's continuations. */
  readonly places: readonly number[];
  /** Prompt and continuation without its last token. */
  readonly ids: Int32Array;
  /** What the continuations share. */
  readonly shared: Int32Array;
  readonly last: readonly number[];
}

export class LikelihoodScorer {
  readonly #vector: ParameterVector;
  readonly #programs = new Map<string, Program>();

  /** @param model whose `forward` continues sequences (task causal-lm) */
  constructor(
    private readonly model: TrainableModel,
    private readonly options: LikelihoodOptions,
  ) {
    this.#vector = new ParameterVector(model.parameters);
  }

  /**
   * log p(continuation | prompt), natural logarithm, of each continuation of each request. Batches are sorted by length.
   * @returns in the order of the requests; fewer when stopped
   * @throws Error for an empty prompt or continuation, and for one that is longer than the longest bucket
   */
  async score(requests: readonly Continuations[], hooks: LikelihoodHooks = {}): Promise<Float64Array[]> {
    const rows = requests.flatMap(rowsOf);
    const shape = {
      // The same for all batches, so that their programs are few.
      columns: Math.max(1, ...rows.map(({ shared }) => shared.length + 1)),
      candidates: Math.max(1, ...rows.map(({ last }) => last.length)),
    };
    for (const row of rows) this.#bucketOf(row, shape.columns);
    rows.sort((a, b) => b.ids.length - a.ids.length);
    const results = requests.map(({ continuations }) => new Float64Array(continuations.length));
    const open = new Int32Array(requests.length);
    for (const { request } of rows) open[request]!++;
    let done = 0;
    for (let start = 0; start < rows.length; start += this.options.batchSize) {
      const chosen = rows.slice(start, start + this.options.batchSize);
      await this.#batch(chosen, shape, results);
      for (const { request } of chosen) if (--open[request]! === 0) done++;
      hooks.onBatch?.(done, requests.length);
      await setImmediate();
      if (hooks.shouldStop?.()) break;
    }
    return results.filter((_, i) => open[i] === 0);
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
    this.#programs.clear();
  }

  async #batch(rows: readonly Row[], shape: Shape, results: readonly Float64Array[]): Promise<void> {
    const { batchSize, padId } = this.options;
    const { columns, candidates } = shape;
    const bucket = this.#bucketOf(rows[0]!, columns);
    const inputIds = new Int32Array(batchSize * bucket).fill(padId);
    const attentionMask = new Float32Array(batchSize * bucket);
    const shared = new Int32Array(batchSize * columns);
    const counts = new Float32Array(batchSize * columns);
    const last = new Int32Array(batchSize * candidates);
    for (let at = 0; at < batchSize; at++) {
      const row = rows[at];
      const end = (at + 1) * bucket;
      // Rows of filling keep one token, so that no row is all padding.
      attentionMask.fill(1, end - (row?.ids.length ?? 1), end);
      if (row === undefined) continue;
      inputIds.set(row.ids, end - row.ids.length);
      // The last column tells of the last token; those before it of what is shared.
      const first = (at + 1) * columns - 1 - row.shared.length;
      shared.set(row.shared, first);
      counts.fill(1, first, first + row.shared.length);
      last.set(row.last, at * candidates);
    }
    const { values } = this.#vector;
    const parameters = values.length > 0 ? { parameters: values } : {};
    const program = await this.#program(bucket, shape);
    const outputs = await program.run({ ...parameters, inputIds, attentionMask, shared, counts, last });
    for (const [at, { request, places }] of rows.entries())
      for (const [i, place] of places.entries())
        results[request]![place] =
          (outputs.shared!.data[at] as number) + (outputs.last!.data[at * candidates + i] as number);
  }

  #bucketOf({ ids, request }: Row, columns: number): number {
    const { buckets } = this.options;
    const bucket = buckets.find((length) => length >= Math.max(ids.length, columns));
    if (bucket !== undefined) return bucket;
    throw new Error(
      `prompt ${request + 1} has ${ids.length} tokens with its continuation, the longest bucket is ${buckets.at(-1)}: add a bucket`,
    );
  }

  async #program(bucket: number, shape: Shape): Promise<Program> {
    const key = `${bucket} ${shape.columns} ${shape.candidates}`;
    const program = this.#programs.get(key) ?? (await this.#compile(bucket, shape));
    this.#programs.set(key, program);
    return program;
  }

  #compile(bucket: number, { columns, candidates }: Shape): Promise<Program> {
    const { model, options } = this;
    const { batchSize } = options;
    const vector = this.#vector;
    const int32 = 'int32' as const;
    const float32 = 'float32' as const;
    return compile(
      ({ parameters, inputIds, attentionMask, shared, counts, last }, weight) => {
        const bindings = {
          weights: lazyWeights(weight),
          parameters: parameters ? splitParameters(parameters, vector.ranges) : {},
        };
        const places = tf.range(bucket - columns, bucket, 1, int32);
        const outputs = model.forward(bindings, {
          inputIds: inputIds!,
          attentionMask: attentionMask!,
          columns: places,
        });
        return logProbabilities(outputs.logits!, { shared: shared!, counts: counts!, last: last! });
      },
      {
        inputs: {
          ...(vector.size > 0 ? { parameters: { shape: [vector.size], dtype: float32 } } : {}),
          inputIds: { shape: [batchSize, bucket], dtype: int32 },
          attentionMask: { shape: [batchSize, bucket], dtype: float32 },
          shared: { shape: [batchSize, columns], dtype: int32 },
          counts: { shape: [batchSize, columns], dtype: float32 },
          last: { shape: [batchSize, candidates], dtype: int32 },
        },
        weights: model.weights,
      },
      { name: 'likelihood', ...options },
    );
  }
}

interface Shape {
  /** Places whose logits are read. */
  readonly columns: number;
  /** Last tokens that a row has at most. */
  readonly candidates: number;
}

function rowsOf({ prompt, continuations }: Continuations, request: number): Row[] {
  if (prompt.length === 0) throw new Error(`prompt ${request + 1} has no tokens: give at least one`);
  const rows = new Map<string, { places: number[]; last: number[]; shared: Int32Array }>();
  for (const [place, ids] of continuations.entries()) {
    if (ids.length === 0)
      throw new Error(`continuation ${place + 1} of prompt ${request + 1} has no tokens: give at least one`);
    const shared = ids.subarray(0, -1);
    const key = shared.join(' ');
    const row = rows.get(key) ?? { places: [], last: [], shared };
    row.places.push(place);
    row.last.push(ids.at(-1)!);
    rows.set(key, row);
  }
  return [...rows.values()].map((row) => ({
    ...row,
    request,
    ids: Int32Array.of(...prompt, ...row.shared),
  }));
}

/**
 * @param logits [batch, columns, vocabulary]
 * @param asked.shared int32 [batch, columns], which count where `counts` is 1; the last column never does
 * @param asked.last int32 [batch, candidates]
 * @returns shared [batch]: sums of log p; last [batch, candidates]: log p at the last column
 */
function logProbabilities(
  logits: Tensor,
  { shared, counts, last }: Readonly<Record<'shared' | 'counts' | 'last', Tensor>>,
): TensorMap {
  const [batch, columns, words] = logits.shape as [number, number, number];
  const flat = tf.reshape(logits, [batch * columns * words]);
  const normaliser = tf.logSumExp(logits, 2);
  const starts = tf.range(0, batch * columns, 1, 'int32');
  const pick = (ids: Tensor, rows: Tensor): Tensor => {
    const at = tf.add(tf.mul(rows, tf.scalar(words, 'int32')), ids);
    const found = tf.gather(flat, tf.reshape(at, [-1]) as never) as Tensor;
    return tf.reshape(found, ids.shape);
  };
  const sharedLog = tf.sub(pick(shared, tf.reshape(starts, [batch, columns])), normaliser);
  const ends = tf.add(
    tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(columns, 'int32')),
    tf.scalar(columns - 1, 'int32'),
  );
  const lastLog = tf.sub(
    pick(last, tf.reshape(ends, [batch, 1])),
    tf.slice(normaliser, [0, columns - 1], [batch, 1]),
  );
  return { shared: tf.sum(tf.mul(sharedLog, counts), 1), last: lastLog };
}
