/** The results as one page. */
export * from './build.ts';
export * from './input.ts';
