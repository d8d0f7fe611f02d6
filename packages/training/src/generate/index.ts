export { type Generation, type GenerationHooks, Generator, type GeneratorOptions } from './generator.ts';
export * from './likelihood.ts';
export type { DecodingOptions, Strategy } from './strategy.ts';
