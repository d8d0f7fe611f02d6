export { ON_REAL_DATA } from '../identity.ts';
export { checkEvaluationSettings, type EvaluationConfig, type EvaluationSettings } from './config.ts';
export type {
  Choice,
  EvaluationDefinition,
  Problem,
  ProblemSplit,
  ScoredChoice,
  Verdict,
} from './definition.ts';
export { checkScorer, type EvaluateRequest, type EvaluationSummary } from './execute.ts';
export { accuracyOf, type GenerationRow, openGenerations, scoreAgain, scorersIn } from './generations.ts';
export {
  EvaluationFinder,
  evaluationOf,
  generates,
  plannedEvaluationInfo,
  readProblems,
} from './identity.ts';
export { findTrained, type RunQuery, runAt, runFolderOf, type Subject } from './subject.ts';
export { EVALUATIONS } from './tasks.ts';
