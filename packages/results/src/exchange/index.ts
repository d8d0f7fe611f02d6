export * from './csv.ts';
export * from './import/index.ts';
export * from './json.ts';
export * from './parquet.ts';
export * from './tabular.ts';
