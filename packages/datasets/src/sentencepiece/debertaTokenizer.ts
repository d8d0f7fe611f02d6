/**
 * The tokenizer of DeBERTa-v2 and v3 from a model folder that has SentencePiece's own file only, as
 * microsoft/deberta-v3-base has: `spm.model`, and the options in `tokenizer_config.json`.
 *
 * The result is what transformers 4 makes of such a folder (DebertaV2TokenizerFast), and so what the published results
 * were computed with. transformers 5 gives other ids: its DebertaV2Tokenizer leaves out the model's own character
 * replacements (NFKC with SentencePiece's additions: "…" is "...", full-width letters, ligatures, "½", zero-width
 * characters) and applies NFC in their place, and it takes "[UNK]" in a text before normalising it. Plain text in ASCII
 * is cut the same by both.
 *
 * SentencePiece itself differs from transformers 4 in characters without a piece, which are one [UNK] here and bytes
 * there where the model has byte fallback, as DeBERTa-v3's; in the special tokens, which it knows in no text; and in
 * corners: a zero-width character at the end leaves a piece for a space here, Hangul written in single letters is not
 * composed, and a combining mark behind a replaced character may be dropped. What the model file says of spaces is not
 * looked at, as in transformers 4: one goes before every text, several are one.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, shown } from '@psoft/engine/errors';
import { DataError } from '../text.ts';
import { PieceType, readUnigramModel, type UnigramModel } from './modelProto.ts';
import type { NormalizerSpec } from './normalize.ts';

/** Names under which the model file is published, best first. */
export const SPM_FILES = ['spm.model', 'spiece.model', 'sentencepiece.bpe.model'] as const;

/** What transformers.js's tokenizers are constructed from; the first is a `tokenizer.json`. */
export interface TokenizerFiles {
  readonly tokenizerJson: {
    readonly added_tokens: readonly AddedToken[];
    readonly normalizer: NormalizerSpec;
    readonly model: {
      readonly type: 'Unigram';
      readonly unk_id: number;
      /** The place is the id. */
      readonly vocab: readonly (readonly [piece: string, score: number])[];
      readonly byte_fallback: false;
    };
    readonly [part: string]: unknown;
  };
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  /** Looked for in the normalised text. */
  readonly normalized: boolean;
  readonly single_word: false;
  readonly lstrip: false;
  readonly rstrip: false;
}

const SPECIAL_TOKENS = {
  bos_token: '[CLS]',
  eos_token: '[SEP]',
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
} as const;
const SPACE = '▁';

/**
 * Reads the model folder; writes nothing.
 * @throws DataError when a file is missing or broken, and for a model of another tokenizer, by its class or its
 *   special tokens
 */
export async function spmTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const { file, bytes } = await readModel(folder);
  const model = readUnigramModel(bytes, file);
  const config = await readConfig(folder);
  const { tokenizer_class: cls = 'DebertaV2Tokenizer' } = config;
  if (cls !== 'DebertaV2Tokenizer' && cls !== 'DebertaV2TokenizerFast')
    throw new DataError(
      `${folder} wants a ${shown(cls)} and has no tokenizer.json: from ${path.basename(file)} only DebertaV2Tokenizer can be made`,
    );
  if (!model.pieces.some(({ text }) => text === SPACE))
    throw new DataError(`${file} has no piece for a space (${SPACE}): unknown words would run together`);
  for (const [name, token] of Object.entries(SPECIAL_TOKENS)) {
    const given = config[name] ?? token;
    if ((typeof given === 'object' ? (given as { content?: unknown }).content : given) !== token)
      throw new DataError(
        `tokenizer_config.json in ${folder} has ${name} ${shown(given)}: it must be ${token}`,
      );
    if (name !== 'mask_token' && !model.pieces.some((piece) => piece.text === token))
      throw new DataError(
        `${file} has no piece ${token}, which DebertaV2Tokenizer needs: it is another model's`,
      );
  }
  const { do_lower_case: lowerCase = false, split_by_punct: splitByPunctuation = false } = config;
  return {
    tokenizerJson: tokenizerJson(model, {
      lowerCase: lowerCase === true,
      splitByPunctuation: splitByPunctuation === true,
    }),
    tokenizerConfig: {
      clean_up_tokenization_spaces: false,
      ...config,
      ...SPECIAL_TOKENS,
      tokenizer_class: 'DebertaV2Tokenizer',
    },
  };
}

async function readModel(folder: string): Promise<{ file: string; bytes: Uint8Array }> {
  for (const name of SPM_FILES) {
    const file = path.join(folder, name);
    try {
      return { file, bytes: await readFile(file) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw new DataError(`${file} cannot be read: ${reasonOf(error)}`);
    }
  }
  throw new DataError(`no ${SPM_FILES.join(', ')} in ${folder}`);
}

async function readConfig(folder: string): Promise<Record<string, unknown>> {
  const file = path.join(folder, 'tokenizer_config.json');
  try {
    const config: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof config !== 'object' || config === null || Array.isArray(config))
      throw new Error('it is no object');
    return config as Record<string, unknown>;
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

function tokenizerJson(
  model: UnigramModel,
  options: { lowerCase: boolean; splitByPunctuation: boolean },
): TokenizerFiles['tokenizerJson'] {
  const added = addedTokens(model);
  const idOf = (token: string): number => model.pieces.findIndex(({ text }) => text === token);
  const metaspace = { type: 'Metaspace', replacement: SPACE, prepend_scheme: 'always', split: true };
  const token = (id: string, segment = 0) => ({ SpecialToken: { id, type_id: segment } });
  const first = [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')];
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: { type: 'Sequence', normalizers: normalizers(model, options.lowerCase) },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: options.splitByPunctuation ? [PUNCTUATION, metaspace] : [metaspace],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: first,
      pair: [...first, { Sequence: { id: 'B', type_id: 1 } }, token('[SEP]', 1)],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [idOf(id)], tokens: [id] }]),
      ),
    },
    decoder: metaspace,
    model: {
      type: 'Unigram',
      unk_id: model.unknownId,
      vocab: model.pieces.map(({ text, score }) => [text, score] as const),
      byte_fallback: false,
    },
  };
}

/** Every mark on its own. Not the type Punctuation, which transformers.js leaves in runs. */
const PUNCTUATION = {
  type: 'Split',
  pattern: { Regex: '[!-\\/:-@\\[-`{-~\\p{P}]' },
  behavior: 'Isolated',
  invert: false,
};

function normalizers({ normalizer }: UnigramModel, lowerCase: boolean): NormalizerSpec[] {
  const charsmap = Buffer.from(normalizer.precompiledCharsmap).toString('base64');
  return [
    ...(lowerCase ? [{ type: 'Lowercase' }] : []),
    { type: 'Strip', strip_left: true, strip_right: true },
    ...(charsmap ? [{ type: 'Precompiled', precompiled_charsmap: charsmap }] : []),
    { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' },
  ];
}

/** The special tokens and the pieces that are no text; [MASK] comes after the pieces where it is none of them. */
function addedTokens({ pieces }: UnigramModel): AddedToken[] {
  const added = (content: string, id: number, special: boolean, normalized = false): AddedToken => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized,
    special,
  });
  const names = new Set<string>(Object.values(SPECIAL_TOKENS));
  const tokens = pieces.flatMap(({ text, type }, id) => {
    if (names.has(text) || type === PieceType.CONTROL)
      return [added(text, id, true, text === SPECIAL_TOKENS.unk_token)];
    return type === PieceType.USER_DEFINED ? [added(text, id, false)] : [];
  });
  const mask = SPECIAL_TOKENS.mask_token;
  return tokens.some(({ content }) => content === mask)
    ? tokens
    : [...tokens, added(mask, pieces.length, true)];
}
