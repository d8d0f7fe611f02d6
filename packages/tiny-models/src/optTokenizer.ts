/** The tiny OPT's tokenizer: byte pairs, in the files that facebook/opt-125m has. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@psoft/engine';
import { BYTE_CHARACTERS, byteText } from './bpe/split.ts';
import { type Merge, trainBpe } from './bpe/train.ts';
import { writeJson } from './pretraining.ts';

/** At the ids that OPT gives them. */
const SPECIAL_TOKENS = ['<s>', '<pad>', '</s>', '<unk>'] as const;

/** How GPT-2's tokenizer cuts a text before its merges. */
const GPT2_PATTERN = /'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** @param vocabSize tokens in all: special ones, bytes, merges */
export function trainOptTokenizer(texts: Iterable<string>, vocabSize: number): Merge[] {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const piece of text.match(GPT2_PATTERN) ?? []) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const inBytes = new Map([...counts].map(([piece, count]) => [byteText(piece), count]));
  return trainBpe(inBytes, vocabSize - SPECIAL_TOKENS.length - BYTE_CHARACTERS.length);
}

/** Writes `vocab.json`, `merges.txt`, `tokenizer_config.json` and `special_tokens_map.json`, and no `tokenizer.json`. */
export async function writeOptTokenizer(folder: string, merges: readonly Merge[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tokens = [...SPECIAL_TOKENS, ...BYTE_CHARACTERS, ...merges.map((merge) => merge.join(''))];
  await writeJson(
    path.join(folder, 'vocab.json'),
    Object.fromEntries(tokens.map((token, id) => [token, id])),
  );
  const lines = ['#version: 0.2', ...merges.map((merge) => merge.join(' ')), ''];
  await writeFileAtomically(path.join(folder, 'merges.txt'), (handle) => handle.writeFile(lines.join('\n')));
  const token = (content: string) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    single_word: false,
  });
  const named = {
    bos_token: token('</s>'),
    eos_token: token('</s>'),
    unk_token: token('</s>'),
    pad_token: token('<pad>'),
  };
  await writeJson(path.join(folder, 'special_tokens_map.json'), named);
  await writeJson(path.join(folder, 'tokenizer_config.json'), {
    ...named,
    add_bos_token: true,
    add_prefix_space: false,
    errors: 'replace',
    tokenizer_class: 'GPT2Tokenizer',
  });
}
