/** The evaluations, by `EXPERIMENT/TASK`. Adding one is one entry. */
import { COMMONSENSE_EVALUATIONS } from '../commonsense.ts';
import { MATH_EVALUATIONS } from '../math.ts';
import type { EvaluationDefinition } from './definition.ts';

export const EVALUATIONS: Readonly<Record<string, EvaluationDefinition>> = {
  ...MATH_EVALUATIONS,
  ...COMMONSENSE_EVALUATIONS,
};
