export {
  type Grade,
  type GradeOptions,
  grade,
  type Reference,
  SCORERS,
  type Scorer,
} from './graders/index.ts';
export { metaMathForm } from './metamathForm.ts';
export * from './peftBenchmark.ts';
export * from './problems.ts';
export * from './prompts.ts';
export { readGsm8k, readMath, readMetaMath } from './read/folder.ts';
export { MATH_HUB, readMetaMathFromHub, readProblemsFromHub } from './read/hub.ts';
export * from './stops.ts';
