export { type Generation, type GenerationHooks, Generator, type GeneratorOptions } from './generator.ts';
export type { DecodingOptions, Strategy } from './strategy.ts';
export * from './likelihood.ts';
