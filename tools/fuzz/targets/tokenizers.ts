/** Tokenizers: tokenizer.json, byte-pair files, SentencePiece models. */
import { loadTokenizer } from '../../../packages/datasets/src/tokenise.ts';
import { filesOf, repositoryFolder, textIn, withChanged } from '../files.ts';
import { mutateJson } from '../mutate/json.ts';
import { messageOf, mutateMessage } from '../mutate/protobuf.ts';
import { mutateText } from '../mutate/text.ts';
import { expectThat, type Target } from '../target.ts';

const WORDS = [
  ...[
    'model',
    'vocab',
    'merges',
    'type',
    'BPE',
    'Unigram',
    'WordPiece',
    'unk_token',
    'unk_id',
    'byte_fallback',
    'added_tokens',
  ],
  ...[
    'normalizer',
    'pre_tokenizer',
    'post_processor',
    'decoder',
    'Sequence',
    'Split',
    'ByteLevel',
    'Metaspace',
    'Digits',
  ],
  ...[
    'TemplateProcessing',
    'Precompiled',
    'precompiled_charsmap',
    'Replace',
    'Lowercase',
    'Strip',
    'pattern',
    'Regex',
    'String',
  ],
  ...[
    'behavior',
    'Isolated',
    'invert',
    'content',
    'id',
    'special',
    'lstrip',
    'single',
    'pair',
    'special_tokens',
    'Fuse',
  ],
  ...[
    'tokenizer_class',
    'PreTrainedTokenizerFast',
    'GPT2Tokenizer',
    'DebertaV2Tokenizer',
    'LlamaTokenizer',
    'bos_token',
  ],
  ...[
    'eos_token',
    'pad_token',
    'add_prefix_space',
    'add_bos_token',
    'tokens',
    'ids',
    '(',
    '[a-',
    '(?<=',
    'BertNormalizer',
  ],
];
const TEXTS: readonly (readonly [string, string?])[] = [
  ['The cat sat on the mat.'],
  ['\u{1f600} \ufb01 \u00bd e\u0301 \u3000x\u200b\ud55c\uae00  two  spaces\n', 'a pair 123'],
  ['', ''],
];

/** Texts become ids that are whole numbers from 0 on, no more than asked for, and become texts again. */
async function use(folder: string): Promise<void> {
  const tokenizer = await loadTokenizer(folder);
  expectThat(
    Number.isSafeInteger(tokenizer.padId) && tokenizer.padId >= 0,
    `padId is a token, got ${tokenizer.padId}`,
  );
  for (const [text, pair] of TEXTS) {
    const ids = tokenizer.encode(text, pair, 16);
    expectThat(ids.length <= 16, `at most 16 tokens, got ${ids.length}`);
    expectThat(
      ids.every((id) => id >= 0),
      `ids are from 0 on, got ${ids}`,
    );
    expectThat(typeof tokenizer.decode(ids) === 'string', 'tokens become a text');
  }
}

/** A tokenizer.json with few of its tokens: what is rare in it is not drowned in its vocabulary. */
function shortened(text: string): string {
  const json = JSON.parse(text);
  const special = new Set((json.added_tokens ?? []).map(({ content }: { content: string }) => content));
  const { vocab } = json.model;
  if (Array.isArray(vocab)) json.model.vocab = vocab.slice(0, 120);
  else {
    const kept = Object.entries(vocab as Record<string, number>).filter(
      ([token, id]) => id < 200 || special.has(token),
    );
    json.model.vocab = Object.fromEntries(kept);
    const has = new Set(kept.map(([token]) => token));
    json.model.merges = json.model.merges.filter((merge: string | [string, string]) =>
      has.has((typeof merge === 'string' ? merge.split(' ') : merge).join('')),
    );
  }
  return JSON.stringify(json);
}

export const tokenizerJson: Target = {
  name: 'tokenizer.json',
  async seeds() {
    const names = ['deberta-tiny', 'llama-tiny'];
    return Promise.all(
      names.map(async (name) => {
        const files = await repositoryFolder(
          `packages/tiny-models/checkpoints/${name}`,
          (file) => file.startsWith('tokenizer') || file === 'special_tokens_map.json',
        );
        return new Map(files).set('tokenizer.json', Buffer.from(shortened(textIn(files, 'tokenizer.json'))));
      }),
    );
  },
  mutate: (files, random) =>
    withChanged(
      files,
      // The one that matters, mostly.
      random,
      (_, content) => mutateJson(Buffer.from(content).toString('utf8'), random, WORDS),
    ),
  read: use,
};

export const bytePair: Target = {
  name: 'byte-pair',
  async seeds() {
    return [
      await repositoryFolder(
        'packages/datasets/test/fixtures/gpt2Tokenizer',
        (name) => name !== 'encodings.json',
      ),
      filesOf({
        'vocab.json': '{"a":0,"b":1,"ab":2,"\u0120":3,"<|endoftext|>":4}',
        'merges.txt': '#version: 0.2\na b\n',
        'tokenizer_config.json': '{"pad_token":{"content":"<pad>","lstrip":true}}',
        'added_tokens.json': '{"<x>":5}',
      }),
    ];
  },
  mutate: (files, random) =>
    withChanged(files, random, (name, content) => {
      const text = Buffer.from(content).toString('utf8');
      return name.endsWith('.txt')
        ? mutateText(text, random, ['\u0120', 'a', 'b'])
        : mutateJson(text, random, WORDS);
    }),
  read: use,
};

export const sentencePiece: Target = {
  name: 'sentencepiece',
  async seeds() {
    const folder = 'packages/datasets/test/fixtures/sentencepiece/identity';
    const identity = await repositoryFolder(folder, (name) => name !== 'encodings.json');
    const spm = identity.get('spm.model')!;
    // A second normalizer specification takes the first one's place.
    const charsmap = messageOf([{ number: 2, wire: 2, payload: smallCharsmap() }]);
    const more = messageOf([{ number: 3, wire: 2, payload: charsmap }]);
    return [identity, new Map(identity).set('spm.model', Buffer.concat([spm, more]))];
  },
  mutate: (files, random) =>
    withChanged(files, random, (name, content) =>
      name.endsWith('.json')
        ? mutateJson(Buffer.from(content).toString('utf8'), random, WORDS)
        : mutateMessage(content, random),
    ),
  read: use,
};

/** A charsmap of one key, the first byte of the ligature "fi". */
function smallCharsmap(): Buffer {
  const units = new Uint32Array(512);
  const [key, root] = [0xef, 256];
  units[0] = root << 10;
  units[root ^ key] = key | 0x100 | (1 << 10);
  units[root ^ key ^ 1] = 0x80000000;
  const size = Buffer.alloc(4);
  size.writeUInt32LE(units.byteLength);
  return Buffer.concat([size, Buffer.from(units.buffer), Buffer.from('fi\0')]);
}
