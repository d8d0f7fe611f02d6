/**
 * A fast encoder for whole corpora: it segments each distinct unit once. Its ids are those that the tokenizer
 * libraries give for the same `tokenizer.json`; single texts are better left to them.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FIRST_TOKENS, MASK_TOKEN, type TokenizerFile } from './files.ts';
import { SPACE, unitsOf } from './units.ts';

/** How much worse than the worst piece an unknown character scores, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

export class CorpusEncoder {
  readonly vocabSize: number;
  readonly padId = FIRST_TOKENS.indexOf('[PAD]');
  readonly clsId = FIRST_TOKENS.indexOf('[CLS]');
  readonly sepId = FIRST_TOKENS.indexOf('[SEP]');
  readonly unkId = FIRST_TOKENS.indexOf('[UNK]');
  readonly maskId: number;
  readonly #pieces = new Map<string, { readonly id: number; readonly score: number }>();
  readonly #longest: number;
  readonly #unknownScore: number;
  readonly #units = new Map<string, readonly number[]>();

  /** @throws when the special tokens are not where {@link FIRST_TOKENS} and {@link MASK_TOKEN} say */
  constructor({ model: { vocab } }: TokenizerFile) {
    this.vocabSize = vocab.length;
    this.maskId = vocab.length - 1;
    for (const [id, token] of [...FIRST_TOKENS.entries(), [this.maskId, MASK_TOKEN] as const])
      if (vocab[id]?.[0] !== token)
        throw new Error(
          `the vocabulary has ${vocab[id]?.[0]} with id ${id}, expected ${token}: train it again`,
        );
    let worst = 0;
    let longest = 1;
    for (let id = FIRST_TOKENS.length; id < this.maskId; id++) {
      const [text, score] = vocab[id]!;
      this.#pieces.set(text, { id, score });
      worst = Math.min(worst, score);
      longest = Math.max(longest, text.length);
    }
    this.#longest = longest;
    this.#unknownScore = worst - UNKNOWN_PENALTY;
  }

  /** Reads `tokenizer.json` of a model folder that this package made. */
  static async load(folder: string): Promise<CorpusEncoder> {
    return new CorpusEncoder(JSON.parse(await readFile(path.join(folder, 'tokenizer.json'), 'utf8')));
  }

  /** Token ids, without special tokens around them. */
  encode(text: string): number[] {
    const ids: number[] = [];
    const normal = text
      .replace(/\s{2,}|[\n\r\t]/gu, ' ')
      .normalize('NFC')
      .trimEnd();
    for (const word of normal.split(' ')) {
      if (word === '') continue;
      const first = ids.length;
      for (const unit of unitsOf(SPACE + word))
        for (const id of this.#encodeUnit(unit)) {
          // Neighbouring unknown characters of a word are one unknown token.
          if (id === this.unkId && ids.length > first && ids.at(-1) === this.unkId) continue;
          ids.push(id);
        }
    }
    return ids;
  }

  #encodeUnit(unit: string): readonly number[] {
    const known = this.#units.get(unit);
    if (known) return known;
    const ids = this.#bestSegmentation(Array.from(unit));
    this.#units.set(unit, ids);
    return ids;
  }

  /** Viterbi. */
  #bestSegmentation(characters: readonly string[]): number[] {
    const length = characters.length;
    const score = new Array<number>(length + 1).fill(Number.NEGATIVE_INFINITY);
    const from = new Array<number>(length + 1).fill(0);
    const idAt = new Array<number>(length + 1).fill(this.unkId);
    score[0] = 0;
    for (let start = 0; start < length; start++)
      for (let end = start + 1; end <= Math.min(length, start + this.#longest); end++) {
        const piece = this.#pieces.get(characters.slice(start, end).join(''));
        if (!piece && end > start + 1) continue;
        const candidate = score[start]! + (piece?.score ?? this.#unknownScore);
        if (candidate <= score[end]!) continue;
        score[end] = candidate;
        from[end] = start;
        idAt[end] = piece?.id ?? this.unkId;
      }
    const ids: number[] = [];
    for (let end = length; end > 0; end = from[end]!) ids.push(idAt[end]!);
    return ids.reverse();
  }
}
