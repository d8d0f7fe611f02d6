/**
 * Masked-language-model batches of the corpus (Devlin et al. 2019, section 3.1): of the tokens, 15 % are to be
 * predicted; of those 80 % show [MASK], 10 % another token, 10 % themselves.
 */
import { RandomStream } from '@psoft/engine';
import { type CorpusDocument, readCorpus } from './corpus.ts';
import { CorpusEncoder } from './tokenizer/encoder.ts';
import { FIRST_TOKENS } from './tokenizer/files.ts';

/** The corpus in sequences of one length: [CLS], whole sentences while they fit, [SEP], padding. */
export interface PackedCorpus {
  /** [count, length] */
  readonly ids: Int32Array;
  readonly count: number;
  readonly length: number;
  readonly vocabularySize: number;
  readonly padId: number;
  readonly maskId: number;
  /** Share of places that hold a token other than special ones. */
  readonly fill: number;
}

/** What one step of pre-training reads. */
export interface MaskedBatch {
  /** [batchSize, length] */
  readonly inputIds: Int32Array;
  /** [batchSize, length]: 1 at tokens, 0 at padding */
  readonly attentionMask: Float32Array;
  /** Places in the flattened batch to be predicted, increasing; as many for every batch of a corpus and size. */
  readonly labelRows: Int32Array;
  /** The tokens that stood there. */
  readonly labels: Int32Array;
}

const MASKED_SHARE = 0.15;

/**
 * Tokenises and packs the corpus. Sequences hold whole sentences, as later tasks do, of one document and in its
 * order, but not always neighbours: that leaves a fifth of the padding. Only a sentence longer than a sequence is cut.
 * @param folder of a tokenizer that this package trained
 * @param length tokens of a sequence, with [CLS] and [SEP]
 */
export async function packCorpus(folder: string, length: number): Promise<PackedCorpus> {
  return packDocuments(await readCorpus(), await CorpusEncoder.load(folder), length);
}

/** {@link packCorpus} on any documents. */
export function packDocuments(
  documents: readonly CorpusDocument[],
  encoder: CorpusEncoder,
  length: number,
): PackedCorpus {
  if (!Number.isInteger(length) || length < 3)
    throw new Error(`a sequence needs room for [CLS], a token and [SEP]: got length ${length}`);
  const room = length - 2;
  const sequences = documents.flatMap(({ sentences }) =>
    packSentences(
      sentences.flatMap((sentence) => chunks(encoder.encode(sentence), room)),
      room,
    ),
  );
  const ids = new Int32Array(sequences.length * length).fill(encoder.padId);
  let tokens = 0;
  for (const [row, sequence] of sequences.entries()) {
    ids.set([encoder.clsId, ...sequence, encoder.sepId], row * length);
    tokens += sequence.length;
  }
  return {
    ids,
    count: sequences.length,
    length,
    vocabularySize: encoder.vocabSize,
    padId: encoder.padId,
    maskId: encoder.maskId,
    fill: tokens / ids.length,
  };
}

function chunks(ids: readonly number[], size: number): (readonly number[])[] {
  const parts = [];
  for (let start = 0; start < ids.length; start += size) parts.push(ids.slice(start, start + size));
  return parts;
}

/** Sequences that wait for a sentence of the right size. */
const OPEN_SEQUENCES = 16;

/** Best fit: each sentence joins the open sequence that it fills most. */
function packSentences(sentences: readonly (readonly number[])[], room: number): number[][] {
  const packed: number[][] = [];
  let open: number[][] = [];
  for (const sentence of sentences) {
    const fitting = open.filter(({ length }) => length + sentence.length <= room);
    if (fitting.length > 0) fullest(fitting).push(...sentence);
    else {
      if (open.length === OPEN_SEQUENCES) {
        const full = fullest(open);
        packed.push(full);
        open = open.filter((sequence) => sequence !== full);
      }
      open.push([...sentence]);
    }
  }
  return [...packed, ...open];
}

function fullest(sequences: readonly number[][]): number[] {
  return sequences.reduce((best, sequence) => (sequence.length > best.length ? sequence : best));
}

/**
 * The batch of a step: sequences in an order shuffled anew for each pass over the corpus (a short rest at the end of
 * a pass is left out), masked anew each time. Decided by (seed, step) alone.
 */
export function maskedBatch(
  corpus: PackedCorpus,
  seed: number,
  step: number,
  batchSize: number,
): MaskedBatch {
  const { length, padId } = corpus;
  const batches = Math.floor(corpus.count / batchSize);
  if (batches === 0)
    throw new Error(
      `the corpus has ${corpus.count} sequences, fewer than a batch of ${batchSize}: lower the batch size`,
    );
  const order = orderOf(corpus, seed, Math.floor(step / batches));
  const start = (step % batches) * batchSize;
  const inputIds = new Int32Array(batchSize * length);
  for (let row = 0; row < batchSize; row++) {
    const from = order[start + row]! * length;
    inputIds.set(corpus.ids.subarray(from, from + length), row * length);
  }
  const attentionMask = Float32Array.from(inputIds, (id) => (id === padId ? 0 : 1));
  return {
    inputIds,
    attentionMask,
    ...maskTokens(inputIds, corpus, RandomStream.from(seed, 'mask', String(step))),
  };
}

/** Masks in place. */
function maskTokens(inputIds: Int32Array, corpus: PackedCorpus, rng: RandomStream) {
  const places: number[] = [];
  for (let i = 0; i < inputIds.length; i++) if (inputIds[i]! >= FIRST_TOKENS.length) places.push(i);
  // A fixed count keeps one compiled program: 15 % of an average batch, whatever this one's padding.
  const count = Math.max(1, Math.round(MASKED_SHARE * corpus.fill * inputIds.length));
  if (count > places.length)
    throw new Error(`a batch with ${places.length} tokens cannot have ${count} masked: raise the batch size`);
  const labelRows = Int32Array.from(rng.shuffle(places).slice(0, count)).sort();
  const labels = labelRows.map((place) => inputIds[place]!);
  for (const place of labelRows) {
    const draw = rng.uniform();
    if (draw < 0.8) inputIds[place] = corpus.maskId;
    else if (draw < 0.9) inputIds[place] = randomPiece(corpus, rng);
  }
  return { labelRows, labels };
}

/** Any token but the special ones. */
function randomPiece({ maskId }: PackedCorpus, rng: RandomStream): number {
  return FIRST_TOKENS.length + rng.integer(maskId - FIRST_TOKENS.length);
}

/** The order of a pass. The last one asked for is kept: steps come one after another. */
function orderOf(corpus: PackedCorpus, seed: number, epoch: number): Int32Array {
  const key = `${seed}/${epoch}`;
  const kept = orders.get(corpus);
  if (kept?.key === key) return kept.order;
  const order = RandomStream.from(seed, 'order', String(epoch)).permutation(corpus.count);
  orders.set(corpus, { key, order });
  return order;
}

const orders = new WeakMap<PackedCorpus, { readonly key: string; readonly order: Int32Array }>();
