/** Trains the tiny models' tokenizer on the corpus and writes its files. Takes seconds; run it again to reproduce them. */
import { pathToFileURL } from 'node:url';
import { checkpointFolder } from './checkpoints.ts';
import { countWords, readCorpus } from './corpus.ts';
import { FIRST_TOKENS, type TokenizerFile, tokenizerFile, writeTokenizer } from './tokenizer/files.ts';
import { trainUnigram } from './tokenizer/train.ts';
import { countUnits, SPACE } from './tokenizer/units.ts';

/** Tokens in all, special ones included. */
export const VOCAB_SIZE = 4096;

/** The novel is a tenth of the corpus, but has the everyday words: it counts as often as brings it to a third. */
const NOVEL_WEIGHT = 4;

/** Printable ASCII. */
const ALPHABET = [SPACE, ...Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))];

export async function trainTokenizer(): Promise<TokenizerFile> {
  const documents = await readCorpus();
  console.log(`corpus: ${documents.length} documents, ${countWords(documents)} words`);
  const sentences = documents.flatMap(({ name, sentences }) => {
    const weight = name.startsWith('moby-dick/') ? NOVEL_WEIGHT : 1;
    return sentences.map((text) => ({ text, weight }));
  });
  const size = VOCAB_SIZE - FIRST_TOKENS.length - 1;
  return tokenizerFile(trainUnigram(countUnits(sentences), { size, alphabet: ALPHABET }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = checkpointFolder('deberta-tiny');
  await writeTokenizer(folder, await trainTokenizer());
  console.log(`wrote ${VOCAB_SIZE} tokens to ${folder}`);
}
