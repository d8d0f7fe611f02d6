/** The experiment "commonsense": Commonsense-15K in, eight sets of questions out. */
import {
  COMMONSENSE_SCORERS,
  COMMONSENSE_SET_NAMES,
  COMMONSENSE_TEMPLATES,
  type CommonsenseData,
  type CommonsenseRow,
  type CommonsenseScorer,
  type CommonsenseSetName,
  type CommonsenseSource,
  type CommonsenseTemplate,
  commonsenseEvaluationPrompt,
  commonsenseTrainingPrompt,
  generateCommonsense,
  gradeCommonsense,
  optionsOf,
  readCommonsenseSet,
  readCommonsenseTraining,
  responseOf,
} from '@psoft/datasets';
import type { EvaluationDefinition, Problem, ScoredChoice, Verdict } from './evaluate/definition.ts';
import type { ReadResult, SplitReader } from './readSplit.ts';
import type { SourceHooks } from './sources.ts';
import type { InstructionDefinition } from './tasks.ts';

/** Seed of the generated data: part of the task, not of a run. */
const GENERATED_SEED = 2026;
/** The tiny profile's: training questions of all sets together, test questions of each. */
const SIZES = { train: 3420, test: 80 } as const;

/** What LLM-Adapters holds out to choose the checkpoint (`val_set_size` of its scripts), with their seed. */
const HELD_OUT = { count: 120, seed: 42 } as const;

/**
 * `likelihood`: the option whose response is the most probable, as lm-evaluation-harness's `acc`;
 * `likelihoodNormalised`: by the character, its `acc_norm`.
 */
export const LIKELIHOOD_SCORERS = ['likelihood', 'likelihoodNormalised'] as const;

interface Rows {
  readonly source: string;
  readonly rows: readonly CommonsenseRow[];
  readonly note?: string;
}

/** The same examples from everywhere, rendered by the template that is asked for. */
function readerOf<Example>(
  generate: () => Rows,
  read: (source: CommonsenseSource, hooks: SourceHooks) => Promise<CommonsenseData>,
  render: (row: CommonsenseRow, template: CommonsenseTemplate) => Example,
): SplitReader<{ source: string; examples: Example[]; note?: string }> {
  const rendered = ({ source, rows, note }: Rows, template: string | undefined) => ({
    source,
    examples: rows.map((row) => render(row, template as CommonsenseTemplate)),
    ...(note === undefined ? {} : { note }),
  });
  const from = async (source: CommonsenseSource, hooks: SourceHooks, template: string | undefined) => {
    const data = await read(source, hooks);
    const result: ReadResult<ReturnType<typeof rendered>> = { split: rendered(data, template) };
    return data.commit === undefined ? result : { ...result, commit: data.commit };
  };
  return {
    templates: COMMONSENSE_TEMPLATES,
    generate: (template) => rendered(generate(), template),
    readFolder: async (folder, hooks, template) => (await from({ folder }, hooks, template)).split,
    readUrl: async (url, hooks, template) => (await from({ url }, hooks, template)).split,
    readHub: (hub, hooks, template) => from({ hub }, hooks, template),
  };
}

export const COMMONSENSE_TASKS: Readonly<Record<string, InstructionDefinition>> = {
  'commonsense/train': {
    kind: 'instructions',
    metrics: ['loss'],
    heldOut: HELD_OUT,
    ...readerOf(
      () => generateCommonsense(GENERATED_SEED, SIZES).train,
      readCommonsenseTraining,
      (row, template) => ({ prompt: commonsenseTrainingPrompt(row, template), response: row.output }),
    ),
  },
};

function questions(set: CommonsenseSetName): EvaluationDefinition {
  return {
    scorers: [...COMMONSENSE_SCORERS, ...LIKELIHOOD_SCORERS],
    likelihoodScorers: LIKELIHOOD_SCORERS,
    // Where an answer ends is the scorers' to say: LLM-Adapters generates to the end.
    stops: [],
    grade: (scorer, { output, reference, choices = [] }) => {
      if (isLikelihood(scorer)) return likeliest(scorer, choices, reference);
      const { correct, extracted } = gradeCommonsense(scorer as CommonsenseScorer, set, {
        output,
        answer: reference,
        options: choices.map(({ name }) => name),
      });
      return { ...(extracted === undefined ? {} : { extracted }), isCorrect: correct };
    },
    ...readerOf(
      () => generateCommonsense(GENERATED_SEED, SIZES).tests[set],
      (source, hooks) => readCommonsenseSet(set, source, hooks),
      problemOf,
    ),
  };
}

function problemOf(row: CommonsenseRow, template: CommonsenseTemplate): Problem {
  return {
    prompt: commonsenseEvaluationPrompt(row, template),
    reference: row.answer,
    choices: optionsOf(row)!.map((name) => ({ name, text: responseOf(name) })),
  };
}

const isLikelihood = (scorer: string): scorer is (typeof LIKELIHOOD_SCORERS)[number] =>
  (LIKELIHOOD_SCORERS as readonly string[]).includes(scorer);

/** Of equals the first, as lm-evaluation-harness's argmax. */
export function likeliest(
  scorer: (typeof LIKELIHOOD_SCORERS)[number],
  choices: readonly ScoredChoice[],
  reference: string,
): Verdict {
  const score = ({ logProbability, text }: ScoredChoice) =>
    scorer === 'likelihood' ? logProbability : logProbability / text.length;
  let best = choices[0];
  for (const choice of choices) if (score(choice) > score(best!)) best = choice;
  return { ...(best && { extracted: best.name }), isCorrect: best?.name === reference };
}

export const COMMONSENSE_EVALUATIONS: Readonly<Record<string, EvaluationDefinition>> = Object.fromEntries(
  COMMONSENSE_SET_NAMES.map((set) => [`commonsense/${set}`, questions(set)]),
);
