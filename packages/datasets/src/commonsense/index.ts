export * from './prompts.ts';
export * from './sets.ts';
