/**
 * What a model, an adapter method and a trainer know of each other. A model is a pure function of its inputs that
 * asks a {@link Scope} for its linear layers and weights by name; an adapted model answers those requests with its
 * own computation, so model code never mentions an adapter.
 */
import type { Tensor } from './tf.ts';
import type { WeightSource } from './weights/source.ts';

/** Tensors by name. */
export type TensorMap = Record<string, Tensor>;

/** How a model reaches its parameters during one forward pass. Names are those of the checkpoint. */
export interface Scope {
  /** The parameter `name` ("encoder.LayerNorm.weight") as a tensor of its checkpoint shape. */
  weight(name: string): Tensor;
  /**
   * y = x Wᵀ + bias of the linear module `name` ("encoder.layer.0.intermediate.dense"), W [out, in].
   * @param x [..., in] float32
   * @returns [..., out] float32
   */
  linear(x: Tensor, name: string): Tensor;
  /** Whether the parameter `name` is trained; what only frozen ones take part in needs no gradient of theirs. */
  isTrained(name: string): boolean;
  /** Inverted dropout: zero with probability `rate`, else x / (1 - rate). The identity when not training. */
  dropout(x: Tensor, rate: number): Tensor;
}

/** A linear layer of a model: y = x Wᵀ + bias. */
export interface LinearModule {
  /** Module path as in transformers; the weight is `${name}.weight`, the bias `${name}.bias`. */
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasBias: boolean;
}

/** A network whose weights lie somewhere: the frozen base of an adapter, or the thing to pre-train. */
export interface Model {
  /** Architecture name as in transformers ("DebertaV2ForSequenceClassification"). */
  readonly architecture: string;
  /** The checkpoint's config.json, as read. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each parameter's initial value lies, by checkpoint name. */
  readonly weights: ReadonlyMap<string, WeightSource>;
  /** Every linear layer, in forward order. */
  readonly linears: readonly LinearModule[];
  /** Modules that belong to the task rather than to the pre-trained network ("pooler", "classifier"). */
  readonly headModules: readonly string[];
  /** Computes the model's outputs ("logits", ...) from named inputs ("inputIds", "attentionMask", ...). */
  forward(scope: Scope, inputs: TensorMap): TensorMap;
}

/** A trainable tensor: float32, with the learning-rate group it belongs to. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: 'adapter' | 'head' | 'base';
  /** Initial, then current value; the trainer writes into it. */
  readonly data: Float32Array;
  /** Brings values back into what is allowed, in place: the trainer calls it after each step, where there is one. */
  readonly constrain?: (data: Float32Array) => void;
}

/** What one forward pass of a {@link TrainableModel} is bound to. */
export interface Bindings {
  /** Frozen tensors, by the names of {@link TrainableModel.weights}. */
  readonly weights: TensorMap;
  /** Trainable tensors, by the names of {@link TrainableModel.parameters}. */
  readonly parameters: TensorMap;
  /** Present in training mode only. */
  readonly dropout?: (x: Tensor, rate: number) => Tensor;
}

/** A model split into frozen and trainable tensors: an adapted model, a model with a trainable head, or all of it. */
export interface TrainableModel {
  readonly base: Model;
  /** Frozen tensors that the forward pass reads. */
  readonly weights: ReadonlyMap<string, WeightSource>;
  readonly parameters: readonly Parameter[];
  forward(bindings: Bindings, inputs: TensorMap): TensorMap;
  /** What is added to the training loss beside the task's own: a scalar, or nothing. */
  penalty?(bindings: Bindings): Tensor | undefined;
}
