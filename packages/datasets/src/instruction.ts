/**
 * Supervised fine-tuning of language models: a prompt and the response that it shall get, as token ids of which the
 * response's count in the loss, in batches that are padded on the right.
 */
import { createHash } from 'node:crypto';
import { RandomStream } from '@psoft/engine';
import { DataError } from './text.ts';
import type { Tokenizer } from './tokenise.ts';

/** Text as it stands before the model, template and all. */
export interface Instruction {
  readonly prompt: string;
  readonly response: string;
}

export interface InstructionSplit {
  /** Where it came from, for messages and records. */
  readonly source: string;
  readonly examples: readonly Instruction[];
  /** What the user should know about it: rows left out. */
  readonly note?: string;
}

/** SHA-256 over prompts and responses in order. */
export function fingerprintPairs(examples: readonly Instruction[]): string {
  const hash = createHash('sha256');
  for (const { prompt, response } of examples) hash.update(`${JSON.stringify([prompt, response])}\n`);
  return hash.digest('hex');
}

export interface EncodedInstruction {
  /** Prompt, response and the token that ends a text; cut at the end. */
  readonly ids: Int32Array;
  /** The first place whose token is one to learn. */
  readonly start: number;
  /** Its place in the split. */
  readonly index: number;
}

export interface EncodedInstructions {
  readonly examples: readonly EncodedInstruction[];
  /** Those with nothing left to learn, which are not among the examples. */
  readonly dropped: number;
  /** Those that lost a part of their response. */
  readonly cut: number;
}

/**
 * Tokenises prompt and response as one text and ends it, as the paper's code base does (MetaMath's training script):
 * the places of the prompt are as many as it has tokens alone, also where its last one joins the response's first.
 * An example that is cut to `maxLength` before its response begins has nothing to learn and is left out.
 * @param options.lossOnPrompt counts the prompt's tokens as well
 * @throws DataError for a tokenizer without an end of text, and where no example is left
 */
export function encodeInstructions(
  tokenizer: Tokenizer,
  { source, examples }: InstructionSplit,
  { maxLength, lossOnPrompt = false }: { readonly maxLength: number; readonly lossOnPrompt?: boolean },
): EncodedInstructions {
  const { eosId } = tokenizer;
  if (eosId === undefined)
    throw new DataError(
      'the tokenizer names no end of text (eos_token in tokenizer_config.json): a model cannot learn to stop without one',
    );
  const encode = (text: string): Int32Array => {
    const ids = tokenizer.encode(text, undefined, Number.POSITIVE_INFINITY);
    return ids.at(-1) === eosId ? ids.subarray(0, -1) : ids;
  };
  const kept: EncodedInstruction[] = [];
  let cut = 0;
  for (const [index, { prompt, response }] of examples.entries()) {
    const text = encode(prompt + response);
    const whole = Int32Array.from({ length: text.length + 1 }, (_, i) => text[i] ?? eosId);
    const ids = whole.subarray(0, maxLength);
    // Nothing stands before the first token that could tell it.
    const start = lossOnPrompt ? 1 : Math.max(1, encode(prompt).length);
    if (start >= ids.length) continue;
    if (ids.length < whole.length) cut++;
    kept.push({ ids, start, index });
  }
  if (kept.length === 0)
    throw new DataError(
      `${source}: none of ${examples.length} examples has a response within ${maxLength} tokens: raise the maximum length`,
    );
  return { examples: kept, dropped: examples.length - kept.length, cut };
}

export interface InstructionBatchOptions {
  /** Examples of one update. */
  readonly batchSize: number;
  /** Rows that are run at once; divides batchSize. */
  readonly microBatchSize: number;
  /** Padded lengths in increasing order. */
  readonly buckets: readonly number[];
  readonly padId: number;
}

/** What a causal language model reads of a batch in training. */
export type InstructionInputs = {
  /** [microBatchSize, bucket] */
  readonly inputIds: Int32Array;
  /** [microBatchSize, bucket]: the tokens that count, in their own places; elsewhere -1 */
  readonly labels: Int32Array;
  /** []: 1 / tokens that count in all rows of the update, or of the set that is evaluated */
  readonly lossScale: Float32Array;
};

export interface InstructionBatch {
  readonly bucket: number;
  /** Made anew at each look. Nothing where there are parts. */
  readonly inputs: InstructionInputs | Readonly<Record<string, never>>;
  readonly rows: number;
  readonly tokens: number;
  /** Places in the set. */
  readonly examples: Int32Array;
  /** What is run one after the other, where one update takes several runs. */
  readonly parts?: readonly InstructionBatch[];
}

export function instructionSpec(rows: number, length: number) {
  return {
    inputIds: { shape: [rows, length], dtype: 'int32' },
    labels: { shape: [rows, length], dtype: 'int32' },
    lossScale: { shape: [], dtype: 'float32' },
  } as const;
}

/**
 * Batches of one epoch in training order, decided by (seed, epoch). Which examples meet in an update depends on the
 * order alone; within it they are sorted by length before they are cut into micro-batches, the longest first: the sum
 * is the same, with less padding.
 */
export function instructionTrainingBatches(
  examples: readonly EncodedInstruction[],
  seed: number,
  epoch: number,
  options: InstructionBatchOptions,
): InstructionBatch[] {
  const order = RandomStream.from(seed, 'order', String(epoch)).permutation(examples.length);
  const batches: InstructionBatch[] = [];
  for (let start = 0; start < order.length; start += options.batchSize) {
    const chosen = order.slice(start, start + options.batchSize);
    const parts = partsOf(examples, chosen, options);
    batches.push(parts.length === 1 ? parts[0]! : joined(parts));
  }
  return batches;
}

/** Every example once, the longest first; the loss over all batches adds up to the mean over the tokens that count. */
export function instructionEvaluationBatches(
  examples: readonly EncodedInstruction[],
  options: InstructionBatchOptions,
): InstructionBatch[] {
  return partsOf(examples, Int32Array.from(examples.keys()), options);
}

function joined(parts: readonly InstructionBatch[]): InstructionBatch {
  return {
    bucket: parts[0]!.bucket,
    inputs: {},
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    tokens: parts.reduce((sum, { tokens }) => sum + tokens, 0),
    examples: Int32Array.from(parts.flatMap((part) => [...part.examples])),
    parts,
  };
}

/** Micro-batches of some examples, whose losses add up to their mean over all tokens that count. */
function partsOf(
  examples: readonly EncodedInstruction[],
  chosen: Int32Array,
  options: InstructionBatchOptions,
): InstructionBatch[] {
  const { microBatchSize, buckets } = options;
  const lengthOf = (place: number) => examples[place]!.ids.length;
  const sorted = Array.from(chosen).sort((a, b) => lengthOf(b) - lengthOf(a) || a - b);
  const counted = sorted.reduce((sum, place) => sum + lengthOf(place) - examples[place]!.start, 0);
  const parts: InstructionBatch[] = [];
  for (let start = 0; start < sorted.length; start += microBatchSize) {
    const rows = sorted.slice(start, start + microBatchSize);
    const longest = lengthOf(rows[0]!);
    const bucket = buckets.find((length) => length >= longest);
    if (bucket === undefined)
      throw new Error(
        `an example has ${longest} tokens, the longest bucket is ${buckets.at(-1)}: add a bucket`,
      );
    parts.push({
      bucket,
      get inputs() {
        return inputsOf(
          rows.map((place) => examples[place]!),
          bucket,
          counted,
          options,
        );
      },
      rows: rows.length,
      tokens: rows.reduce((sum, place) => sum + lengthOf(place), 0),
      examples: Int32Array.from(rows, (place) => examples[place]!.index),
    });
  }
  return parts;
}

function inputsOf(
  rows: readonly EncodedInstruction[],
  length: number,
  counted: number,
  { microBatchSize, padId }: InstructionBatchOptions,
): InstructionInputs {
  const inputIds = new Int32Array(microBatchSize * length).fill(padId);
  const labels = new Int32Array(microBatchSize * length).fill(-1);
  for (const [row, { ids, start }] of rows.entries()) {
    inputIds.set(ids, row * length);
    labels.set(ids.subarray(start), row * length + start);
  }
  return { inputIds, labels, lossScale: Float32Array.of(1 / counted) };
}
