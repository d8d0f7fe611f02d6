/** Angles between the columns of weights, before and after fine-tuning. */
export * from './measure.ts';
export * from './schema.ts';
export * from './store.ts';
