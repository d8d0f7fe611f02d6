/** How the next token is chosen, as flags of the commands that generate. */
import type { Strategy } from '@psoft/training';
import { ConfigError } from '@psoft/training/config';
import { type Command, Option } from 'commander';
import { positiveNumber, wholeNumber } from './numbers.ts';

export interface DecodingValues {
  readonly strategy?: Strategy['kind'];
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly beams?: number;
  readonly lengthPenalty?: number;
}

/** Settings of each strategy, and what it has without flags. */
const STRATEGIES = {
  greedy: { settings: [], defaults: {} },
  sample: { settings: ['temperature', 'topK', 'topP'], defaults: { temperature: 1 } },
  beam: { settings: ['beams', 'lengthPenalty'], defaults: { beams: 4 } },
} as const satisfies Record<Strategy['kind'], object>;

export function addDecodingOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <name>', 'how the next token is chosen (default: greedy)').choices(
        Object.keys(STRATEGIES),
      ),
    )
    .option('--temperature <x>', 'of sampling', positiveNumber)
    .option('--top-k <n>', 'of sampling: only the most probable', wholeNumber)
    .option('--top-p <x>', 'of sampling: only the fewest that reach this probability', positiveNumber)
    .option('--beams <n>', 'sequences that a beam search follows', wholeNumber)
    .option('--length-penalty <x>', 'of a beam search', Number);
}

/**
 * @param seed of what is drawn
 * @returns undefined where no strategy is asked for
 * @throws ConfigError for settings that the strategy does not have
 */
export function strategyOf(values: DecodingValues, seed: number): Strategy | undefined {
  const { strategy, temperature, topK, topP, beams, lengthPenalty } = values;
  const settings = { temperature, topK, topP, beams, lengthPenalty };
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  const known: readonly string[] = STRATEGIES[strategy ?? 'greedy'].settings;
  for (const [name] of given) {
    if (known.includes(name)) continue;
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const owner = (STRATEGIES.sample.settings as readonly string[]).includes(name) ? 'sample' : 'beam';
    throw new ConfigError(
      `${flag} means nothing to ${strategy ?? 'greedy'} decoding: give --strategy ${owner}`,
    );
  }
  if (strategy === undefined) return undefined;
  const { defaults } = STRATEGIES[strategy];
  return {
    kind: strategy,
    ...defaults,
    ...(strategy === 'sample' ? { seed } : {}),
    ...Object.fromEntries(given),
  } as Strategy;
}
