export * from './condition.ts';
export * from './diff.ts';
export * from './field.ts';
export * from './find.ts';
export * from './ledger.ts';
export * from './rows.ts';
