/** Records of what steps cost: see `nx run bench:speed`, `bench:memory` and `bench:growth`. */
export * from './growth.ts';
export * from './growthReport.ts';
export * from './measurements.ts';
export * from './schema.ts';
export * from './steps.ts';
export * from './store.ts';
