export * from './atomic.ts';
export * from './charts/index.ts';
export * from './environment.ts';
export * from './groups.ts';
export * from './identity.ts';
export type { Json } from './schema/shape.ts';
export * from './schema.ts';
export * from './store.ts';
export * from './summary.ts';
