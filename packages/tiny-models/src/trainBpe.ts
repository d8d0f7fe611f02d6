/** Trains the tiny Llama's tokenizer on its corpus and writes its files. Takes seconds; run it again to reproduce them. */
import { pathToFileURL } from 'node:url';
import { type BpeTokenizerFile, bpeTokenizerFile, SPECIAL_TOKENS, writeBpeTokenizer } from './bpe/files.ts';
import { countPieces, trainBpe } from './bpe/train.ts';
import { checkpointFolder } from './checkpoints.ts';
import { readCorpus } from './corpus.ts';
import { LlamaCorpus } from './llamaCorpus.ts';

/** Tokens in all: bytes, merges, special ones. */
export const BPE_VOCAB_SIZE = 1024;

/** Of pre-training's own mix, but other texts. */
const TEXTS = 20_000;
const SEED = 2;

export async function trainBpeTokenizer(): Promise<BpeTokenizerFile> {
  const corpus = new LlamaCorpus(await readCorpus());
  const counts = countPieces(corpus.texts(SEED, 0, TEXTS));
  return bpeTokenizerFile(trainBpe(counts, BPE_VOCAB_SIZE - 256 - SPECIAL_TOKENS.length));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = checkpointFolder('llama-tiny');
  await writeBpeTokenizer(folder, await trainBpeTokenizer());
  console.log(`wrote ${BPE_VOCAB_SIZE} tokens to ${folder}`);
}
