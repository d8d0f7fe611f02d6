export * from './printed.ts';
export * from './read.ts';
export * from './tables.ts';
