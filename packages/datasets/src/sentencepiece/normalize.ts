/**
 * Normalisers of `tokenizer.json` as the `tokenizers` library runs them, in place of transformers.js's own where those
 * give other text: its Precompiled does not read the charsmap and comes near to it by NFKC, its Strip takes U+FEFF for
 * white space and U+0085 not, its Lowercase turns a word's last capital sigma into a final one.
 */
import type { PreTrainedTokenizer } from '@huggingface/transformers';
import { readCharsmap } from './charsmap.ts';

/** A normaliser in `tokenizer.json`. */
export interface NormalizerSpec {
  readonly type: string;
  readonly normalizers?: readonly NormalizerSpec[];
  readonly precompiled_charsmap?: string | null;
  readonly strip_left?: boolean;
  readonly strip_right?: boolean;
  /** Of a Replace. */
  readonly pattern?: { readonly Regex: string } | { readonly String: string };
  readonly content?: string;
}

type Normalize = (text: string) => string;
/** transformers.js calls the outermost one and the method of those inside. */
type Normalizer = Normalize & { readonly normalize: Normalize; readonly normalizers?: readonly Normalizer[] };

/** Before a normalised text that must not be taken for a token; Unicode keeps it for uses inside a program. */
const MARK = '\ufdd0';

interface AddedToken {
  readonly content: string;
  /** Looked for in the normalised text. */
  readonly normalized: boolean;
}

/** The parts of transformers.js's tokenizer that know its normaliser. */
interface Parts {
  _tokenizerJSON: { normalizer: NormalizerSpec | null };
  _tokenizer: {
    normalizer: Normalizer | null;
    pre_tokenizer: ((text: string, options: unknown) => string[]) | null;
    added_tokens: readonly AddedToken[];
    added_tokens_map: Map<string, AddedToken>;
    splitter_normalized: object;
  };
}

/**
 * Puts them into a tokenizer.
 * @throws Error when a charsmap cannot be read
 */
export function followNormalizers(tokenizer: PreTrainedTokenizer): void {
  const { _tokenizerJSON: json, _tokenizer: inner } = tokenizer as unknown as Parts;
  const { normalizer, pre_tokenizer: cut } = inner;
  if (!json.normalizer || !normalizer || !cut) return;
  const { normalize } = followed(normalizer, json.normalizer);
  const raw = new Set(inner.added_tokens.filter((token) => !token.normalized).map(({ content }) => content));
  // A text that reads "[MASK]" only now is no token, but transformers.js would take it for one.
  inner.normalizer = asNormalizer((text) => {
    const result = normalize(text);
    return raw.has(result) ? MARK + result : result;
  });
  const isMarked = (text: string): boolean => text.startsWith(MARK) && raw.has(text.slice(1));
  inner.pre_tokenizer = (text, options) => cut(isMarked(text) ? text.slice(1) : text, options);
  // The tokens to find in normalised text were normalised by theirs.
  const late = inner.added_tokens.filter((token) => token.normalized);
  for (const token of late) inner.added_tokens_map.set(normalize(token.content), token);
  const Splitter = inner.splitter_normalized.constructor as new (words: string[]) => object;
  inner.splitter_normalized = new Splitter(late.map(({ content }) => normalize(content)));
}

function followed(theirs: Normalizer, spec: NormalizerSpec): Normalizer {
  if (spec.type === 'Sequence') {
    const steps = (spec.normalizers ?? []).map((step, i) => followed(theirs.normalizers![i]!, step));
    return asNormalizer((text) => steps.reduce((result, step) => step.normalize(result), text));
  }
  const ours = normalizerOf(spec);
  return ours ? asNormalizer(ours) : theirs;
}

const asNormalizer = (normalize: Normalize): Normalizer =>
  Object.assign((text: string) => normalize(text), { normalize });

function normalizerOf(spec: NormalizerSpec): Normalize | undefined {
  switch (spec.type) {
    case 'Precompiled':
      return spec.precompiled_charsmap
        ? readCharsmap(Buffer.from(spec.precompiled_charsmap, 'base64'))
        : undefined;
    case 'Strip': {
      const ends = [
        ...(spec.strip_left ? ['^\\p{White_Space}+'] : []),
        ...(spec.strip_right ? ['\\p{White_Space}+$'] : []),
      ];
      const pattern = new RegExp(ends.join('|') || '(?!)', 'gu');
      return (text) => text.replace(pattern, '');
    }
    case 'Lowercase':
      // A character at a time, as none then depends on its place.
      return (text) => Array.from(text, (character) => character.toLowerCase()).join('');
    default:
      return undefined;
  }
}
