export * from './frontier.ts';
export * from './growth.ts';
export * from './learningCurves.ts';
export * from './methodComparison.ts';
export * from './png.ts';
export * from './render.ts';
export type { ChartSpecification } from './specification.ts';
export * from './themes.ts';
