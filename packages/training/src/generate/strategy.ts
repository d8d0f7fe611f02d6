/** How the next token is chosen. */

export type Strategy =
  /** The most probable one. */
  | { readonly kind: 'greedy' }
  /**
   * Drawn at random from softmax(logits / temperature), cut first to the topK most probable tokens and then to the
   * fewest whose probabilities reach topP.
   */
  | {
      readonly kind: 'sample';
      readonly temperature: number;
      readonly topK?: number;
      readonly topP?: number;
      readonly seed: number;
    }
  /**
   * The most probable of several sequences that are followed at once; a finished one's score is its log-probability
   * divided by length^lengthPenalty. Conventions of transformers' beam search.
   */
  | {
      readonly kind: 'beam';
      readonly beams: number;
      /** Default 1. */
      readonly lengthPenalty?: number;
      /**
       * True: ends as soon as there are as many finished sequences as beams. False (default): when no running one can
       * become better by its score so far.
       */
      readonly earlyStopping?: boolean;
    };

export interface DecodingOptions {
  readonly strategy: Strategy;
  readonly maxNewTokens: number;
  /** Any of them ends a sequence. */
  readonly eosIds: readonly number[];
  readonly padId: number;
}

/** @throws Error naming the setting, the value seen and what is allowed */
export function checkDecoding({ strategy, maxNewTokens, eosIds }: DecodingOptions): void {
  const refuse = (setting: string, value: unknown, wanted: string) => {
    throw new Error(`generation: ${setting} must be ${wanted}, got ${JSON.stringify(value)}`);
  };
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(maxNewTokens)) refuse('maxNewTokens', maxNewTokens, 'a whole number of at least 1');
  if (eosIds.length === 0) refuse('eosIds', eosIds, 'at least one token');
  if (strategy.kind === 'sample') {
    const { temperature, topK, topP } = strategy;
    if (!(temperature > 0 && temperature < Infinity)) refuse('temperature', temperature, 'above 0');
    if (topK !== undefined && !isCount(topK)) refuse('topK', topK, 'a whole number of at least 1');
    if (topP !== undefined && !(topP > 0 && topP <= 1)) refuse('topP', topP, 'above 0 and at most 1');
  }
  if (strategy.kind === 'beam' && !isCount(strategy.beams))
    refuse('beams', strategy.beams, 'a whole number of at least 1');
}
