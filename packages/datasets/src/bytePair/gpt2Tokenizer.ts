/**
 * GPT-2's kind of byte-level byte-pair tokenizer from a model folder without `tokenizer.json`, as facebook/opt-125m is:
 * `vocab.json`, `merges.txt`, and the options in `tokenizer_config.json` and `special_tokens_map.json`. The result is
 * what transformers' GPT2Tokenizer makes of such a folder.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, shown } from '@psoft/engine/errors';
import { DataError } from '../text.ts';

/** All have to be there. */
export const BYTE_PAIR_FILES = ['vocab.json', 'merges.txt'] as const;

/** What transformers.js's tokenizers are constructed from; the first is a `tokenizer.json`. */
export interface BytePairFiles {
  readonly tokenizerJson: Readonly<Record<string, unknown>>;
  readonly tokenizerConfig: Readonly<Record<string, unknown>>;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: boolean;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const NAMED_TOKENS = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
];
/** GPT2Tokenizer's own, where the files do not name them. */
const DEFAULT_TOKEN = '<|endoftext|>';
const WITH_DEFAULT = ['bos_token', 'eos_token', 'unk_token'];

/**
 * Reads the model folder; writes nothing.
 * @throws DataError when a file is missing or broken, and for a tokenizer of another class
 */
export async function bytePairTokenizerFiles(folder: string): Promise<BytePairFiles> {
  const config = await readObject(path.join(folder, 'tokenizer_config.json'));
  const map = await readObject(path.join(folder, 'special_tokens_map.json'), 'optional');
  const { tokenizer_class: cls = 'GPT2Tokenizer' } = config;
  if (cls !== 'GPT2Tokenizer' && cls !== 'GPT2TokenizerFast')
    throw new DataError(
      `${folder} wants a ${shown(cls)} and has no tokenizer.json: from ${BYTE_PAIR_FILES.join(' and ')} only GPT2Tokenizer can be made`,
    );
  const vocab = await readIds(path.join(folder, BYTE_PAIR_FILES[0]));
  const merges = await readMerges(path.join(folder, BYTE_PAIR_FILES[1]), vocab);
  const named = namedTokens(folder, config, map);
  const extra = await readIds(path.join(folder, 'added_tokens.json'), 'optional');
  const added = addedTokens(vocab, extra, named);
  const { add_prefix_space: addPrefixSpace = false, add_bos_token: addBegin = false } = config;
  const bos = named.get('bos_token')!.content;
  const begin = addBegin === true ? added.find(({ content }) => content === bos)! : undefined;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: addPrefixSpace === true, trim_offsets: true };
  return {
    tokenizerJson: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { ...byteLevel, use_regex: true },
      post_processor: postProcessor(begin),
      decoder: { ...byteLevel, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        byte_fallback: false,
        vocab,
        merges,
      },
    },
    tokenizerConfig: {
      ...config,
      clean_up_tokenization_spaces: false,
      ...Object.fromEntries([...named].map(([name, { content }]) => [name, content])),
      tokenizer_class: 'GPT2Tokenizer',
    },
  };
}

/** The token that begins a text before each text of a pair, or nothing around them. */
function postProcessor(begin: AddedToken | undefined): object {
  const token = (type_id: number) =>
    begin === undefined ? [] : [{ SpecialToken: { id: begin.content, type_id } }];
  const text = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } });
  const first = [...token(0), text('A', 0)];
  return {
    type: 'TemplateProcessing',
    single: first,
    pair: [...first, ...token(1), text('B', 1)],
    special_tokens:
      begin === undefined
        ? {}
        : { [begin.content]: { id: begin.content, ids: [begin.id], tokens: [begin.content] } },
  };
}

type TokenOptions = Omit<AddedToken, 'id' | 'special'>;

/** By their roles; what tokenizer_config.json says goes before special_tokens_map.json. */
function namedTokens(folder: string, config: Json, map: Json): Map<string, TokenOptions> {
  const named = new Map<string, TokenOptions>();
  for (const role of NAMED_TOKENS) {
    const fallback = WITH_DEFAULT.includes(role) ? DEFAULT_TOKEN : undefined;
    const given = config[role] ?? map[role] ?? fallback;
    if (given === undefined) continue;
    const { content, lstrip, rstrip, single_word, normalized } = (
      typeof given === 'object' ? given : { content: given }
    ) as Partial<TokenOptions>;
    if (typeof content !== 'string' || content === '')
      throw new DataError(`the tokenizer in ${folder} has ${role} ${shown(given)}: it must be a text`);
    named.set(role, {
      content,
      lstrip: lstrip === true,
      rstrip: rstrip === true,
      single_word: single_word === true,
      normalized: normalized === true,
    });
  }
  return named;
}

/** The named tokens and those of added_tokens.json; new ones come after the vocabulary. */
function addedTokens(
  vocab: Readonly<Record<string, number>>,
  extra: Readonly<Record<string, number>>,
  named: ReadonlyMap<string, TokenOptions>,
): AddedToken[] {
  const ids = new Map(Object.entries(vocab));
  for (const [content, id] of Object.entries(extra)) ids.set(content, id);
  const plain = { lstrip: false, rstrip: false, single_word: false, normalized: true };
  const added = new Map<string, AddedToken>();
  for (const content of Object.keys(extra))
    added.set(content, { id: ids.get(content)!, content, special: false, ...plain });
  for (const options of named.values()) {
    const { content } = options;
    if (!ids.has(content)) ids.set(content, largestOf(ids.values()) + 1);
    added.set(content, { id: ids.get(content)!, special: true, ...options });
  }
  return [...added.values()].sort((a, b) => a.id - b.id);
}

/** -1 for none. More than the arguments that a call may have. */
function largestOf(ids: Iterable<number>): number {
  let largest = -1;
  for (const id of ids) largest = Math.max(largest, id);
  return largest;
}

/** Ids by token. */
async function readIds(
  file: string,
  need: 'required' | 'optional' = 'required',
): Promise<Record<string, number>> {
  const ids = (await readObject(file, need)) as Record<string, number>;
  const wrong = Object.entries(ids).find(([, id]) => !Number.isSafeInteger(id) || id < 0);
  if (wrong !== undefined)
    throw new DataError(
      `${file} gives ${shown(wrong[0])} the id ${shown(wrong[1])}: it must be a number from 0`,
    );
  return ids;
}

/** Pairs in the order of their merging. */
async function readMerges(
  file: string,
  vocab: Readonly<Record<string, number>>,
): Promise<(readonly [string, string])[]> {
  const lines = (await readText(file)).split(/\r?\n/);
  const merges: (readonly [string, string])[] = [];
  for (const [i, line] of lines.entries()) {
    if (line === '' || (i === 0 && line.startsWith('#version'))) continue;
    const [left, right, ...more] = line.split(' ');
    if (!left || !right || more.length > 0)
      throw new DataError(`${file}, line ${i + 1}: ${shown(line)} is no pair of tokens`);
    if (!Object.hasOwn(vocab, left + right))
      throw new DataError(
        `${file}, line ${i + 1}: ${shown(left + right)} is not in the vocabulary: the files do not belong together`,
      );
    merges.push([left, right]);
  }
  return merges;
}

async function readObject(file: string, need: 'required' | 'optional' = 'required'): Promise<Json> {
  if (need === 'optional' && !existsSync(file)) return {};
  const text = await readText(file);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error('it is no object');
    return value as Json;
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DataError(`${file} cannot be read: ${reasonOf(error)}`);
  }
}
