/** A prompt and what may follow it, cut into tokens as one text. */
import type { Tokenizer } from '@psoft/datasets';
import { encodePrompt } from './prompts.ts';

/**
 * As lm-evaluation-harness cuts them: white space at the end of the prompt goes to the continuation, both are tokenised
 * as one text, and the continuation has the tokens behind those that the prompt has alone. So a space joins the word
 * behind it, as it does in training.
 * @throws Error for a continuation that no token is left for
 */
export function encodePair(
  tokenizer: Tokenizer,
  prompt: string,
  continuation: string,
): { readonly prompt: Int32Array; readonly continuation: Int32Array } {
  const context = prompt.trimEnd();
  const before = encodePrompt(tokenizer, context);
  const whole = encodePrompt(tokenizer, prompt + continuation);
  if (whole.length <= before.length)
    throw new Error(`no token of "${continuation}" is left behind the prompt's: give another continuation`);
  return { prompt: before, continuation: whole.slice(before.length) };
}
