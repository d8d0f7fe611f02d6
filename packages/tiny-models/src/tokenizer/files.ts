/** A Unigram vocabulary as the files that Hugging Face's tokenizer libraries read, in the form of DeBERTa-v3's. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SPACE } from './units.ts';

/** Special tokens before the pieces, by id, as in DeBERTa-v3. */
export const FIRST_TOKENS = ['[PAD]', '[CLS]', '[SEP]', '[UNK]'] as const;
/** The one after them. */
export const MASK_TOKEN = '[MASK]';

/** What a text goes through before it is cut into words; transformers' DeBERTa-v2 tokenizer fixes these three. */
const NORMALIZER = {
  type: 'Sequence',
  normalizers: [
    { type: 'Replace', pattern: { Regex: '\\s{2,}|[\\n\\r\\t]' }, content: ' ' },
    { type: 'NFC' },
    { type: 'Strip', strip_left: false, strip_right: true },
  ],
};

/** The part of `tokenizer.json` that this package reads back. */
export interface TokenizerFile {
  readonly model: {
    readonly type: 'Unigram';
    readonly unk_id: number;
    /** Token and score; the place is the id. */
    readonly vocab: readonly (readonly [token: string, score: number])[];
  };
}

/** @param pieces in the order of their ids, which follow the special tokens' */
export function tokenizerFile(pieces: readonly { text: string; score: number }[]): TokenizerFile {
  const vocab = [
    ...FIRST_TOKENS.map((token) => [token, 0] as const),
    // Six decimals decide every segmentation and keep the file readable.
    ...pieces.map(({ text, score }) => [text, Number(score.toFixed(6))] as const),
    [MASK_TOKEN, 0] as const,
  ];
  const special = [...FIRST_TOKENS, MASK_TOKEN].map((content) => ({
    id: vocab.findIndex(([token]) => token === content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const metaspace = { type: 'Metaspace', replacement: SPACE, prepend_scheme: 'always', split: true };
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = (id: 'A' | 'B') => ({ Sequence: { id, type_id: id === 'A' ? 0 : 1 } });
  const templateToken = (id: (typeof FIRST_TOKENS)[number]) => ({
    id,
    ids: [FIRST_TOKENS.indexOf(id)],
    tokens: [id],
  });
  const file = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: NORMALIZER,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [metaspace] },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]'), sequence('A'), token('[SEP]')],
      pair: [
        token('[CLS]'),
        sequence('A'),
        token('[SEP]'),
        sequence('B'),
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: { '[CLS]': templateToken('[CLS]'), '[SEP]': templateToken('[SEP]') },
    },
    decoder: metaspace,
    model: {
      type: 'Unigram' as const,
      unk_id: FIRST_TOKENS.indexOf('[UNK]'),
      vocab,
      byte_fallback: false,
    },
  };
  return file;
}

const SPECIAL_TOKENS = {
  bos_token: '[CLS]',
  cls_token: '[CLS]',
  eos_token: '[SEP]',
  mask_token: MASK_TOKEN,
  pad_token: '[PAD]',
  sep_token: '[SEP]',
  unk_token: '[UNK]',
};

/** Writes `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into a model folder. */
export async function writeTokenizer(folder: string, file: TokenizerFile): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
  // A piece a line, so that a change of the vocabulary can be read as a difference.
  const vocab = file.model.vocab.map((entry) => `      ${JSON.stringify(entry)}`).join(',\n');
  const frame = { ...file, model: { ...file.model, vocab: 'VOCAB' } };
  await write(
    'tokenizer.json',
    `${JSON.stringify(frame, null, 2).replace('"VOCAB"', () => `[\n${vocab}\n    ]`)}\n`,
  );
  const config = {
    ...SPECIAL_TOKENS,
    tokenizer_class: 'DebertaV2Tokenizer',
    do_lower_case: false,
    split_by_punct: false,
    vocab_type: 'spm',
    clean_up_tokenization_spaces: false,
    model_max_length: 512,
  };
  await write('tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`);
  await write('special_tokens_map.json', `${JSON.stringify(SPECIAL_TOKENS, null, 2)}\n`);
}
