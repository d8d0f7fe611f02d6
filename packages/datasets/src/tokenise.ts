/** Text to token ids with the tokenizer that lies beside a model. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import '@psoft/engine'; // Sets what ONNX Runtime reads when transformers.js loads it.
import { DataError, type TextExample } from './text.ts';

export interface Tokenizer {
  /** Token ids with the model's special tokens, cut to `maxLength`. */
  encode(text: string, textPair: string | undefined, maxLength: number): Int32Array;
  readonly padId: number;
}

/**
 * Loads the tokenizer of a model folder (`tokenizer.json` and `tokenizer_config.json`). Nothing is downloaded.
 * @throws DataError when a file is missing
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer> {
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    if (!existsSync(path.join(folder, name)))
      throw new DataError(
        `no ${name} in ${folder}: a model folder needs tokenizer.json and tokenizer_config.json`,
      );
  const { AutoTokenizer, env } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = path.dirname(folder);
  const tokenizer = await AutoTokenizer.from_pretrained(path.basename(folder), { local_files_only: true });
  const padId = tokenizer.pad_token_id;
  if (padId === undefined) throw new DataError(`the tokenizer in ${folder} has no padding token`);
  return {
    padId,
    encode(text, textPair, maxLength) {
      const { input_ids: ids } = tokenizer(text, {
        ...(textPair === undefined ? {} : { text_pair: textPair }),
        truncation: true,
        max_length: maxLength,
        return_tensor: false,
      }) as { input_ids: number[] };
      return Int32Array.from(ids, Number);
    },
  };
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
