/** Text to token ids with the tokenizer that lies beside a model. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import '@psoft/engine'; // Sets what ONNX Runtime reads when transformers.js loads it.
import { DataError, type TextExample } from './text.ts';
import { truncate } from './truncate.ts';

export interface Tokenizer {
  /**
   * Token ids with the model's special tokens. A text that is too long loses its end, never the special tokens; of a
   * pair, the longer text is cut first.
   */
  encode(text: string, textPair: string | undefined, maxLength: number): Int32Array;
  readonly padId: number;
}

/**
 * Loads the tokenizer of a model folder (`tokenizer.json` and `tokenizer_config.json`). Nothing is downloaded.
 * @throws DataError when a file is missing or cannot be read
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    if (!existsSync(path.join(folder, name)))
      throw new DataError(
        `no ${name} in ${folder}: a model folder needs tokenizer.json and tokenizer_config.json`,
      );
  const tokenizer = await autoTokenizer(folder);
  const padId = tokenizer.pad_token_id;
  if (padId === undefined) throw new DataError(`the tokenizer in ${folder} has no padding token`);
  const idsOf = (text: string, options: { text_pair?: string; add_special_tokens?: boolean }): number[] => {
    const { input_ids: ids } = tokenizer(text, { ...options, return_tensor: false }) as {
      input_ids: number[];
    };
    return ids.map(Number);
  };
  return {
    padId,
    encode(text, textPair, maxLength) {
      const ids = idsOf(text, textPair === undefined ? {} : { text_pair: textPair });
      if (ids.length <= maxLength) return Int32Array.from(ids);
      const parts = (textPair === undefined ? [text] : [text, textPair]).map((part) =>
        idsOf(part, { add_special_tokens: false }),
      );
      return Int32Array.from(truncate(ids, parts, maxLength));
    },
  };
}

async function autoTokenizer(folder: string) {
  const { AutoTokenizer, env } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  const { dir, base } = path.parse(path.resolve(folder));
  env.localModelPath = dir;
  try {
    return await AutoTokenizer.from_pretrained(base, { local_files_only: true });
  } catch (error) {
    throw new DataError(`the tokenizer in ${folder} cannot be read: ${(error as Error).message}`);
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
