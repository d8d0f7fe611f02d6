/** The evaluations, by `EXPERIMENT/TASK`. Adding one is one entry. */
import { MATH_EVALUATIONS } from '../math.ts';
import type { EvaluationDefinition } from './definition.ts';

export const EVALUATIONS: Readonly<Record<string, EvaluationDefinition>> = { ...MATH_EVALUATIONS };
