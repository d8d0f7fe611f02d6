/** The experiment "math": MetaMathQA in, GSM8K and MATH out, and PEFT's benchmark beside it. */
import {
  evaluationPrompt,
  generateGsm,
  generateMathProblems,
  grade,
  type HubData,
  type InstructionExample,
  type InstructionSplit,
  type MathDataset,
  type MathProblem,
  type MathSet,
  peftPrompt,
  peftTrainingSet,
  readGsm8k,
  readMath,
  readMetaMath,
  readMetaMathFromHub,
  readProblemsFromHub,
  type Scorer,
  STOP_STRINGS,
  trainingPrompt,
} from '@psoft/datasets';
import type { EvaluationDefinition, ProblemSplit } from './evaluate/definition.ts';
import type { SourceHooks } from './sources.ts';
import type { InstructionDefinition } from './tasks.ts';

/** Seed of the generated data: part of the task, not of a run. */
const GENERATED_SEED = 2026;
/** The tiny profile's sets, of either kind. */
const SIZES = { train: 2000, test: 200 } as const;

const GENERATED = {
  gsm8k: () => generateGsm(GENERATED_SEED, SIZES),
  math: () => generateMathProblems(GENERATED_SEED, SIZES),
} as const;

type Prompt = (query: string) => string;

/** @param keep which of the examples, all unless given */
function instructions(
  prompt: Prompt,
  keep: (examples: readonly InstructionExample[]) => readonly InstructionExample[] = (all) => all,
): InstructionDefinition {
  const rendered = ({ source, examples }: MathSet<InstructionExample>): InstructionSplit => {
    const kept = keep(examples);
    const left = examples.length - kept.length;
    return {
      source,
      examples: kept.map(({ query, response }) => ({ prompt: prompt(query), response })),
      ...(left === 0
        ? {}
        : { note: `${source}: ${left} of ${examples.length} examples are left out as too long` }),
    };
  };
  return {
    kind: 'instructions',
    metrics: ['loss'],
    generate() {
      const sets = Object.values(GENERATED).map((generate) => generate().train);
      return rendered({
        source: sets.map(({ source }) => source).join(' and '),
        examples: sets.flatMap(({ examples }) => examples),
      });
    },
    readFolder: async (folder) => rendered(await readMetaMath(folder)),
    readHub: async (data: HubData, hooks: SourceHooks) => {
      const { set, commit } = await readMetaMathFromHub(data, hooks);
      return { split: rendered(set), commit };
    },
  };
}

function problems(
  dataset: MathDataset,
  prompt: Prompt,
  scorers: readonly [Scorer, ...Scorer[]],
  stops: readonly string[],
): EvaluationDefinition {
  const rendered = ({ source, examples }: MathSet<MathProblem>): ProblemSplit => ({
    source,
    examples: examples.map(({ problem, solution }) => ({ prompt: prompt(problem), reference: solution })),
  });
  const read = { gsm8k: readGsm8k, math: readMath }[dataset];
  return {
    scorers,
    stops,
    grade(scorer, { prompt: asked, output, reference, finished }) {
      // PEFT's parser reads prompt and answer together.
      const text = scorer === 'peft' ? asked + output : output;
      const { correct, extracted } = grade(
        scorer as Scorer,
        dataset,
        text,
        { solution: reference },
        { finished },
      );
      return { ...(extracted === undefined ? {} : { extracted }), isCorrect: correct };
    },
    generate: () => rendered(GENERATED[dataset]().test),
    readFolder: async (folder) => rendered(await read(folder, 'test')),
    readHub: async (data, hooks) => {
      const { splits, commit } = await readProblemsFromHub(dataset, ['test'], data, hooks);
      return { split: rendered(splits.test), commit };
    },
  };
}

const metaMath: Prompt = (query) => trainingPrompt({ query });

export const MATH_TASKS: Readonly<Record<string, InstructionDefinition>> = {
  'math/train': instructions(metaMath),
  'math/peft-train': instructions(peftPrompt, peftTrainingSet),
};

export const MATH_EVALUATIONS: Readonly<Record<string, EvaluationDefinition>> = {
  'math/gsm8k': problems('gsm8k', evaluationPrompt, ['paper', 'strict'], STOP_STRINGS),
  'math/math': problems('math', evaluationPrompt, ['paper', 'strict'], STOP_STRINGS),
  'math/peft-benchmark': problems('gsm8k', peftPrompt, ['peft', 'strict'], []),
};
