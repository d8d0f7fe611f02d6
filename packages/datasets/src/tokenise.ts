/** Text to token ids with the tokenizer that lies beside a model. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { reasonOf } from '@psoft/engine/errors';
import '@psoft/engine'; // Sets what ONNX Runtime reads when transformers.js loads it.
import { BYTE_PAIR_FILES, bytePairTokenizerFiles } from './bytePair/gpt2Tokenizer.ts';
import { SPM_FILES, spmTokenizerFiles } from './sentencepiece/debertaTokenizer.ts';
import { followNormalizers } from './sentencepiece/normalize.ts';
import { DataError, type TextExample } from './text.ts';
import { truncate } from './truncate.ts';

export interface Tokenizer {
  /**
   * Token ids with the model's special tokens. A text that is too long loses its end, never the special tokens; of a
   * pair, the longer text is cut first.
   */
  encode(text: string, textPair: string | undefined, maxLength: number): Int32Array;
  /** The text of token ids; special tokens are left out unless asked for. */
  decode(ids: ArrayLike<number>, options?: { readonly specialTokens?: boolean }): string;
  /** Fills rows: the padding token, or where there is none the one that ends a text. */
  readonly padId: number;
  /** The token that ends a text, where the tokenizer has one. */
  readonly eosId?: number;
}

/**
 * Loads the tokenizer of a model folder: `tokenizer.json`, or where there is none the byte pairs of an OPT (`vocab.json`
 * and `merges.txt`) or the SentencePiece model of a DeBERTa (`spm.model`); and `tokenizer_config.json`. Nothing is
 * downloaded and nothing is written.
 * @throws DataError when a file is missing or cannot be read
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const tokenizer = await readTokenizer(folder);
  const eosId: number | undefined = tokenizer.eos_token_id;
  // Llama's has none. What stands in padding is masked or not counted: any token serves.
  const padId: number | undefined = tokenizer.pad_token_id ?? eosId;
  if (padId === undefined)
    throw new DataError(`the tokenizer in ${folder} has no padding token and none that ends a text`);
  checkIds([padId, eosId ?? padId], folder);
  const idsOf = (text: string, options: { text_pair?: string; add_special_tokens?: boolean }): number[] => {
    const { input_ids: ids } = tokenizer(text, { ...options, return_tensor: false }) as {
      input_ids: number[];
    };
    const numbers = ids.map(Number);
    checkIds(numbers, folder);
    return numbers;
  };
  const withSpecialTokens = (text: string, textPair: string | undefined): number[] => {
    if (textPair === '') return idsWithEmptyPair(tokenizer, text);
    return idsOf(text, textPair === undefined ? {} : { text_pair: textPair });
  };
  return {
    padId,
    ...(eosId === undefined ? {} : { eosId }),
    decode: (ids, { specialTokens = false } = {}) =>
      // Of no tokens transformers.js makes an error.
      ids.length === 0
        ? ''
        : withFolder(folder, () =>
            tokenizer.decode(Array.from(ids), {
              skip_special_tokens: !specialTokens,
              clean_up_tokenization_spaces: false,
            }),
          ),
    encode: (text, textPair, maxLength) =>
      withFolder(folder, () => {
        const ids = withSpecialTokens(text, textPair);
        if (ids.length <= maxLength) return Int32Array.from(ids);
        const parts = (textPair === undefined ? [text] : [text, textPair]).map((part) =>
          idsOf(part, { add_special_tokens: false }),
        );
        return Int32Array.from(truncate(ids, parts, maxLength));
      }),
  };
}

/** Some faults of a tokenizer show only when a text is cut that comes upon them. */
function withFolder<T>(folder: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw new DataError(`the tokenizer in ${folder} cannot be used: ${reasonOf(cause)}`, { cause });
  }
}

/** Ids come from the files, which may give a token any. */
function checkIds(ids: readonly number[], folder: string): void {
  const wrong = ids.find((id) => !(id >= 0 && id <= LARGEST_ID && Number.isInteger(id)));
  if (wrong !== undefined)
    throw new DataError(
      `the tokenizer in ${folder} gives a token the id ${wrong}: ids are whole numbers from 0 to ${LARGEST_ID}`,
    );
}

/** Models take ids as 32-bit integers. */
const LARGEST_ID = 2 ** 31 - 1;

/** A pair all the same, as in Python's batches; transformers.js takes an empty second text for none. */
function idsWithEmptyPair(tokenizer: PreTrainedTokenizer, text: string): number[] {
  const inner = tokenizer._tokenizer;
  const first = inner.tokenize(text);
  const tokens = inner.post_processor ? inner.post_processor(first, [], true).tokens : first;
  return tokens.map((token: string) => {
    const id: number | undefined = inner.token_to_id(token) ?? tokenizer.unk_token_id;
    if (id === undefined) throw new DataError(`the tokenizer has no id for "${token}" and no unknown token`);
    return id;
  });
}

async function readTokenizer(folder: string): Promise<PreTrainedTokenizer> {
  const has = (name: string): boolean => existsSync(path.join(folder, name));
  const isBytePair = BYTE_PAIR_FILES.every(has);
  if (!has('tokenizer.json') && !isBytePair && !SPM_FILES.some(has))
    throw new DataError(
      `no tokenizer.json, no vocab.json with merges.txt and no spm.model in ${folder}: a model folder needs one of them and tokenizer_config.json`,
    );
  if (!has('tokenizer_config.json'))
    throw new DataError(
      `no tokenizer_config.json in ${folder}: a model folder needs it beside tokenizer.json, vocab.json or spm.model`,
    );
  const { AutoTokenizer, DebertaV2Tokenizer, GPT2Tokenizer, env } = await import('@huggingface/transformers');
  const made = has('tokenizer.json')
    ? undefined
    : isBytePair
      ? { ...(await bytePairTokenizerFiles(folder)), Kind: GPT2Tokenizer }
      : { ...(await spmTokenizerFiles(folder)), Kind: DebertaV2Tokenizer };
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  const { dir, base } = path.parse(path.resolve(folder));
  env.localModelPath = dir;
  try {
    const tokenizer = made
      ? new made.Kind(made.tokenizerJson, made.tokenizerConfig)
      : await AutoTokenizer.from_pretrained(base, { local_files_only: true });
    followNormalizers(tokenizer);
    return tokenizer;
  } catch (error) {
    throw new DataError(`the tokenizer in ${folder} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Token ids and label of one example. */
export interface EncodedExample {
  readonly ids: Int32Array;
  readonly label: number;
}

export function encodeExamples(
  tokenizer: Tokenizer,
  examples: readonly TextExample[],
  maxLength: number,
): EncodedExample[] {
  return examples.map(({ text, textPair, label }) => ({
    ids: tokenizer.encode(text, textPair, maxLength),
    label,
  }));
}
