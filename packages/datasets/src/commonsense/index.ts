export * from './prompts.ts';
export type { CommonsenseData, CommonsenseFile } from './read/data.ts';
export { type CommonsenseSource, readCommonsenseSet, readCommonsenseTraining } from './read/index.ts';
export { COMMONSENSE_URL } from './read/published.ts';
export {
  COMMONSENSE_SCORERS,
  type CommonsenseAnswer,
  type CommonsenseGrade,
  type CommonsenseScorer,
  gradeCommonsense,
} from './scorers.ts';
export * from './sets.ts';
