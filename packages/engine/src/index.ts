export type { Bindings, LinearModule, Model, Parameter, Scope, TensorMap, TrainableModel } from './model.ts';
export * from './tf.ts';
export type { WeightData, WeightDtype, WeightReference, WeightSource } from './weights/source.ts';
