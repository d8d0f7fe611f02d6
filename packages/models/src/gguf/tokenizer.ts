/** The byte-pair tokenizer of a GGUF file as the files of Hugging Face's layout. */
import { shown } from '@psoft/engine/errors';
import { GgufError, type Metadata } from './metadata.ts';

/** Kinds of tokens in `tokenizer.ggml.token_type`. */
const CONTROL = 3;
const USER_DEFINED = 4;

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };

/** How a text is cut before merging, by `tokenizer.ggml.pre`. */
interface Splitting {
  readonly preTokenizers: readonly object[];
  /** A piece that is a token is not merged. */
  readonly ignoresMerges: boolean;
  /** Whether a text begins with the token for it, where the file does not say. */
  readonly addsBegin: boolean;
}

const gpt2: Splitting = { preTokenizers: [BYTE_LEVEL], ignoresMerges: false, addsBegin: false };

const llama3: Splitting = {
  preTokenizers: [
    {
      type: 'Split',
      pattern: {
        Regex:
          "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      },
      behavior: 'Isolated',
      invert: false,
    },
    { ...BYTE_LEVEL, use_regex: false },
  ],
  ignoresMerges: true,
  addsBegin: true,
};

const SPLITTINGS: Readonly<Record<string, Splitting>> = {
  default: gpt2,
  'gpt-2': gpt2,
  smollm: {
    ...gpt2,
    preTokenizers: [{ type: 'Digits', individual_digits: true }, BYTE_LEVEL],
  },
  'llama-bpe': llama3,
  'llama-v3': llama3,
  llama3,
};

/**
 * `tokenizer.json` and `tokenizer_config.json`.
 * @throws GgufError for another kind of tokenizer than byte pairs, or a way to cut texts that is not known
 */
export function ggufTokenizer(metadata: Metadata): {
  readonly tokenizerJson: object;
  readonly tokenizerConfig: object;
} {
  const model = metadata.text('tokenizer.ggml.model');
  if (model !== 'gpt2')
    throw new GgufError(
      `GGUF: the tokenizer is of kind ${shown(model)}, only byte pairs ("gpt2") can be imported`,
    );
  const pre = metadata.text('tokenizer.ggml.pre', 'default');
  if (!Object.hasOwn(SPLITTINGS, pre))
    throw new GgufError(
      `GGUF: texts are cut as ${shown(pre)} (tokenizer.ggml.pre), known: ${Object.keys(SPLITTINGS).join(', ')}`,
    );
  const { preTokenizers, ignoresMerges, addsBegin } = SPLITTINGS[pre]!;
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  const named = namedTokens(metadata, tokens);
  const begin = metadata.boolean('tokenizer.ggml.add_bos_token', addsBegin) ? named.bos_token : undefined;
  return {
    tokenizerJson: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(tokens, metadata.numbers('tokenizer.ggml.token_type')),
      normalizer: null,
      pre_tokenizer:
        preTokenizers.length === 1 ? preTokenizers[0] : { type: 'Sequence', pretokenizers: preTokenizers },
      post_processor: begin === undefined ? null : beginsWith(begin, tokens.indexOf(begin)),
      decoder: BYTE_LEVEL,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: ignoresMerges,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: metadata.texts('tokenizer.ggml.merges').map((merge) => merge.split(' ')),
      },
    },
    tokenizerConfig: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...named,
      clean_up_tokenization_spaces: false,
      model_max_length: metadata.number('llama.context_length'),
      ...(metadata.has('tokenizer.chat_template')
        ? { chat_template: metadata.text('tokenizer.chat_template') }
        : {}),
    },
  };
}

function namedTokens(metadata: Metadata, tokens: readonly string[]): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [role, key] of [
    ['bos_token', 'bos'],
    ['eos_token', 'eos'],
    ['unk_token', 'unknown'],
    ['pad_token', 'padding'],
  ] as const) {
    const id = `tokenizer.ggml.${key}_token_id`;
    if (!metadata.has(id)) continue;
    const token = tokens[metadata.number(id)];
    if (token === undefined)
      throw new GgufError(`GGUF: ${id} is ${metadata.number(id)}, the file has ${tokens.length} tokens`);
    named[role] = token;
  }
  return named;
}

function addedTokens(tokens: readonly string[], types: readonly number[]): object[] {
  return tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== CONTROL && type !== USER_DEFINED) return [];
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...plain, special: type === CONTROL }];
  });
}

function beginsWith(token: string, id: number): object {
  const begin = (type_id: number) => ({ SpecialToken: { id: token, type_id } });
  const text = (of: 'A' | 'B', type_id: number) => ({ Sequence: { id: of, type_id } });
  return {
    type: 'TemplateProcessing',
    single: [begin(0), text('A', 0)],
    pair: [begin(0), text('A', 0), begin(1), text('B', 1)],
    special_tokens: { [token]: { id: token, ids: [id], tokens: [token] } },
  };
}
