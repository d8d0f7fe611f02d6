/** Frequencies of the rotary position embedding, and how published checkpoints stretch them. */
import { shown } from '@psoft/engine/errors';
import { type ConfigReader, ModelConfigError } from '../configReader.ts';

export interface RopeConfig {
  readonly theta: number;
  /** Part of a head that is turned is the whole head. */
  readonly scaling:
    | { readonly kind: 'none' }
    | { readonly kind: 'linear'; readonly factor: number }
    | {
        readonly kind: 'llama3';
        readonly factor: number;
        readonly lowFrequencyFactor: number;
        readonly highFrequencyFactor: number;
        readonly originalPositions: number;
      };
}

/**
 * From `rope_theta` and `rope_scaling`, or from `rope_parameters`, where transformers 5 writes both.
 * @throws ModelConfigError for a scaling that is not implemented
 */
export function parseRope(read: ConfigReader): RopeConfig {
  const nested = (read.get('rope_parameters') ?? read.get('rope_scaling') ?? {}) as Record<string, unknown>;
  const number = (key: string): number => {
    const value = nested[key];
    if (typeof value !== 'number' || !(value > 0 && value < Infinity))
      throw new ModelConfigError(`config: rope_scaling.${key} is ${shown(value)}, it must be above 0`);
    return value;
  };
  const theta = nested.rope_theta === undefined ? read.positive('rope_theta', 10000) : number('rope_theta');
  const kind = nested.rope_type ?? nested.type ?? 'default';
  if (kind === 'default') return { theta, scaling: { kind: 'none' } };
  if (kind === 'linear') return { theta, scaling: { kind, factor: number('factor') } };
  if (kind !== 'llama3')
    throw new ModelConfigError(
      `config: rope_scaling is of type ${shown(kind)}, supported: default, linear, llama3`,
    );
  return {
    theta,
    scaling: {
      kind,
      factor: number('factor'),
      lowFrequencyFactor: number('low_freq_factor'),
      highFrequencyFactor: number('high_freq_factor'),
      originalPositions: number('original_max_position_embeddings'),
    },
  };
}

/** Angle by which each pair of components turns from one position to the next. */
export function ropeFrequencies({ theta, scaling }: RopeConfig, headSize: number): Float32Array {
  // Rounded to float32 where transformers rounds, so that far positions turn by the same angle.
  const plain = Float32Array.from({ length: headSize / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headSize))),
  );
  if (scaling.kind === 'none') return plain;
  if (scaling.kind === 'linear') return plain.map((frequency) => frequency / scaling.factor);
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  return plain.map((frequency) => {
    // How often the pair turns round within the positions of pre-training.
    const turns = (originalPositions * frequency) / (2 * Math.PI);
    if (turns > high) return frequency;
    if (turns < low) return frequency / factor;
    const smooth = (turns - low) / (high - low);
    return ((1 - smooth) * frequency) / factor + smooth * frequency;
  });
}

/** Cosines and sines, [positions, headSize / 2] each. */
export function ropeTables(
  rope: RopeConfig,
  headSize: number,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = ropeFrequencies(rope, headSize);
  const half = frequencies.length;
  const angle = (i: number) => Math.fround(Math.floor(i / half) * frequencies[i % half]!);
  const table = (of: (angle: number) => number) =>
    Float32Array.from({ length: positions * half }, (_, i) => of(angle(i)));
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
