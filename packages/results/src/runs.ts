/** What `psoft runs` is made of, apart from the charts, which take a moment to load. */
export * from './exchange/index.ts';
export * from './flatten.ts';
export * from './imported/index.ts';
export { oneLine } from './parse.ts';
export * from './prune.ts';
export * from './query/index.ts';
export { RecordError } from './schema.ts';
export { layOutTable } from './table.ts';
