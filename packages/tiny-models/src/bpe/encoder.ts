/**
 * A fast encoder for whole corpora: it merges each distinct piece once. Its ids are those that the tokenizer libraries
 * give for the same `tokenizer.json`; single texts are better left to them.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { BEGIN, type BpeTokenizerFile, END } from './files.ts';
import { byteText, splitText } from './split.ts';
import { joined } from './train.ts';

export class BpeEncoder {
  readonly vocabSize: number;
  readonly beginId: number;
  readonly endId: number;
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #pieces = new Map<string, readonly number[]>();

  /** @throws when the file lacks a special token */
  constructor({ added_tokens: added, model: { vocab, merges } }: BpeTokenizerFile) {
    this.#vocab = new Map(Object.entries(vocab));
    this.#ranks = new Map(merges.map((merge, rank) => [merge.join(' '), rank]));
    this.vocabSize = this.#vocab.size + added.length;
    const idOf = (token: string): number => {
      const id = added.find(({ content }) => content === token)?.id;
      if (id === undefined) throw new Error(`tokenizer.json has no ${token}: train it again`);
      return id;
    };
    this.beginId = idOf(BEGIN);
    this.endId = idOf(END);
  }

  /** Reads `tokenizer.json` of a model folder that this package made. */
  static async load(folder: string): Promise<BpeEncoder> {
    return new BpeEncoder(JSON.parse(await readFile(path.join(folder, 'tokenizer.json'), 'utf8')));
  }

  /** Token ids, without special tokens around them and none within. */
  encode(text: string): number[] {
    return splitText(text).flatMap((piece) => this.#encodePiece(piece));
  }

  #encodePiece(piece: string): readonly number[] {
    let ids = this.#pieces.get(piece);
    if (ids === undefined) {
      ids = this.#merge([...byteText(piece)]).map((token) => this.#vocab.get(token)!);
      this.#pieces.set(piece, ids);
    }
    return ids;
  }

  /** The pair that was merged first in training goes first, until there is none. */
  #merge(tokens: readonly string[]): readonly string[] {
    let best = Number.POSITIVE_INFINITY;
    let at = 0;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const rank = this.#ranks.get(`${tokens[i]} ${tokens[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < best) [best, at] = [rank, i];
    }
    if (best === Number.POSITIVE_INFINITY) return tokens;
    return this.#merge(joined(tokens, tokens[at]!, tokens[at + 1]!));
  }
}
