/**
 * What the tiny Llama is pre-trained on: mathematics in words of its own, English prose, and other tasks than
 * mathematics in the template that fine-tuning uses, so that its words are not foreign.
 */
import { evaluationPrompt, mathTexts, trainingPrompt } from '@psoft/datasets';
import { RandomStream } from '@psoft/engine';
import type { BpeEncoder } from './bpe/encoder.ts';
import type { CorpusDocument } from './corpus.ts';

/** What there is of each kind of text, in twentieths. */
export const LLAMA_MIX = { math: 14, prose: 2, tasks: 4 } as const;

/** A text of prose: neighbouring sentences up to so many signs. */
const PROSE_SIGNS = 300;

export class LlamaCorpus {
  readonly #documents: readonly CorpusDocument[];
  readonly #words: readonly string[];

  constructor(documents: readonly CorpusDocument[]) {
    this.#documents = documents;
    this.#words = commonWords(documents, 400);
  }

  /**
   * Texts of block `at`: each has its own.
   * @returns as many as asked for, of all kinds
   */
  texts(seed: number, at: number, count: number): string[] {
    const rng = RandomStream.from(seed, 'llama corpus', String(at));
    const { math, prose } = LLAMA_MIX;
    const all = Object.values(LLAMA_MIX).reduce((a, b) => a + b, 0);
    const calculations = mathTexts(seed, at, count);
    return calculations.map((text) => {
      const kind = rng.integer(all);
      if (kind < math) return text;
      return kind < math + prose ? this.#prose(rng) : this.#task(rng);
    });
  }

  #prose(rng: RandomStream): string {
    const { sentences } = this.#documents[rng.integer(this.#documents.length)]!;
    let text = '';
    for (let i = rng.integer(sentences.length); i < sentences.length && text.length < PROSE_SIGNS; i++)
      text += (text === '' ? '' : ' ') + sentences[i]!;
    return text;
  }

  /** An instruction about words, numbers or formulas, which are never calculated, and its response. */
  #task(rng: RandomStream): string {
    const kind = (['words', 'numbers', 'formulas'] as const)[rng.integer(3)]!;
    const draw = {
      words: () => this.#words[rng.integer(this.#words.length)]!,
      numbers: () => `${rng.integer(100)}`,
      formulas: () => `$${1 + rng.integer(9)}x${'+-'[rng.integer(2)]}${rng.integer(100)}$`,
    }[kind];
    const words = Array.from({ length: 3 + rng.integer(4) }, draw);
    const list = words.join(' ');
    const tasks: readonly (readonly [string, string])[] = [
      [`Repeat the ${kind}: ${list}`, list],
      [`Write the ${kind} in reverse order: ${list}`, [...words].reverse().join(' ')],
      [`How many ${kind} are there: ${list}`, `There are ${words.length} ${kind}.`],
      [`Which of the ${kind} is the first: ${list}`, words[0]!],
      [`Which of the ${kind} is the last: ${list}`, words.at(-1)!],
      [`Put each of the ${kind} on a line: ${list}`, words.join('\n')],
    ];
    const [query, response] = tasks[rng.integer(tasks.length)]!;
    // Half of them with what evaluation puts between template and response.
    return (rng.integer(2) === 0 ? trainingPrompt({ query }) : evaluationPrompt(query)) + response;
  }
}

/** The most frequent words of four letters and more. */
function commonWords(documents: readonly CorpusDocument[], count: number): string[] {
  const counts = new Map<string, number>();
  for (const { sentences } of documents)
    for (const sentence of sentences)
      for (const word of sentence.match(/\b[a-z]{4,}\b/g) ?? [])
        counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, count)
    .map(([word]) => word);
}

/**
 * Rows of texts one after the other, each between the tokens that begin and end a text; a row's last text is cut.
 * @returns [rows, length]
 */
export function corpusRows(
  corpus: LlamaCorpus,
  encoder: BpeEncoder,
  { seed, at, rows, length }: { readonly seed: number; readonly at: number; rows: number; length: number },
): Int32Array {
  const ids = new Int32Array(rows * length);
  for (let row = 0; row < rows; row++) {
    const own: number[] = [];
    for (let block = 0; own.length < length; block++) {
      const place = (at * rows + row) * BLOCKS + block;
      for (const text of corpus.texts(seed, place, TEXTS_AT_ONCE))
        own.push(encoder.beginId, ...encoder.encode(text), encoder.endId);
    }
    ids.set(own.slice(0, length), row * length);
  }
  return ids;
}

/** Enough for most rows. */
const TEXTS_AT_ONCE = 4;
/** More than a row ever takes. */
const BLOCKS = 4096;
