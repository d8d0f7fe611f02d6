/** A byte-pair vocabulary as the files that Hugging Face's tokenizer libraries read, in the form of Llama 3's. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '@psoft/engine';
import { writeJson } from '../pretraining.ts';
import { BYTE_CHARACTERS, PATTERN } from './split.ts';
import type { Merge } from './train.ts';

export const BEGIN = '<|begin_of_text|>';
export const END = '<|end_of_text|>';
/** Llama 3.1's token for padding. */
export const PADDING = '<|finetune_right_pad_id|>';
/** After the vocabulary, as in Llama 3. */
export const SPECIAL_TOKENS = [BEGIN, END, PADDING] as const;

/** The part of `tokenizer.json` that this package reads back. */
export interface BpeTokenizerFile {
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly model: {
    readonly type: 'BPE';
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly Merge[];
  };
}

export function bpeTokenizerFile(merges: readonly Merge[]): BpeTokenizerFile {
  const tokens = [...BYTE_CHARACTERS, ...merges.map((merge) => merge.join(''))];
  const idOf = (special: (typeof SPECIAL_TOKENS)[number]) => tokens.length + SPECIAL_TOKENS.indexOf(special);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const begin = (type_id: number) => ({ SpecialToken: { id: BEGIN, type_id } });
  const text = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content) => ({
      id: idOf(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: PATTERN }, behavior: 'Isolated', invert: false },
        { ...byteLevel, use_regex: false },
      ],
    },
    post_processor: {
      type: 'Sequence',
      processors: [
        { ...byteLevel, trim_offsets: false, use_regex: true },
        {
          type: 'TemplateProcessing',
          single: [begin(0), text('A', 0)],
          pair: [begin(0), text('A', 0), begin(1), text('B', 1)],
          special_tokens: { [BEGIN]: { id: BEGIN, ids: [idOf(BEGIN)], tokens: [BEGIN] } },
        },
      ],
    },
    decoder: { ...byteLevel, use_regex: true },
    model: {
      type: 'BPE' as const,
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  } as BpeTokenizerFile;
}

const NAMED_TOKENS = { bos_token: BEGIN, eos_token: END, pad_token: PADDING };

/** Writes `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into a model folder. */
export async function writeBpeTokenizer(folder: string, file: BpeTokenizerFile): Promise<void> {
  await mkdir(folder, { recursive: true });
  // A token and a merge a line, so that a change can be read as a difference.
  const lines = (items: readonly string[]) => items.map((item) => `      ${item}`).join(',\n');
  const byId = Object.entries(file.model.vocab).sort(([, a], [, b]) => a - b);
  const vocab = lines(byId.map(([token, id]) => `${JSON.stringify(token)}: ${id}`));
  const merges = lines(file.model.merges.map((merge) => JSON.stringify(merge)));
  const frame = { ...file, model: { ...file.model, vocab: 'VOCAB', merges: 'MERGES' } };
  const text = JSON.stringify(frame, null, 2)
    .replace('"VOCAB"', () => `{\n${vocab}\n    }`)
    .replace('"MERGES"', () => `[\n${merges}\n    ]`);
  await writeFileAtomically(path.join(folder, 'tokenizer.json'), (handle) => handle.writeFile(`${text}\n`));
  await writeJson(path.join(folder, 'special_tokens_map.json'), NAMED_TOKENS);
  await writeJson(path.join(folder, 'tokenizer_config.json'), {
    ...NAMED_TOKENS,
    clean_up_tokenization_spaces: false,
    model_input_names: ['input_ids', 'attention_mask'],
    model_max_length: 512,
    tokenizer_class: 'PreTrainedTokenizerFast',
  });
}
