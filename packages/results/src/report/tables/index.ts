/** The paper's tables, made from the results store. */
export * from './bench.ts';
export * from './bootstrap.ts';
export * from './build.ts';
export * from './model.ts';
export * from './plan.ts';
export * from './render/index.ts';
export type { ExamplesOf } from './rivals.ts';
export * from './rows.ts';
export { states } from './select.ts';
export * from './spec.ts';
export { TABLE_SPECS } from './specs/index.ts';
