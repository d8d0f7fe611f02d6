/** What generation takes from a tokenizer: prompts as token ids, and the tokens that end a text. */
import type { Tokenizer } from '@psoft/datasets';
import { ConfigError } from '../run/config.ts';

/** With the token that starts a text, where the tokenizer puts one, and none that ends it. */
export function encodePrompt(tokenizer: Tokenizer, prompt: string): Int32Array {
  const ids = tokenizer.encode(prompt, undefined, Number.POSITIVE_INFINITY);
  return ids.at(-1) === tokenizer.eosId ? ids.slice(0, -1) : ids;
}

/**
 * What ends a text by the model's configuration, and by its tokenizer.
 * @throws ConfigError where neither says
 */
export function eosIdsOf(config: Readonly<Record<string, unknown>>, { eosId }: Tokenizer): number[] {
  const stated = config.eos_token_id;
  const ids = [...(Array.isArray(stated) ? stated : [stated]), eosId].filter(
    (id): id is number => typeof id === 'number',
  );
  if (ids.length === 0)
    throw new ConfigError(
      'nothing ends a text: neither config.json (eos_token_id) nor the tokenizer (eos_token) names a token',
    );
  return [...new Set(ids)];
}
