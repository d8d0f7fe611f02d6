/** y = W x + U M Vᵀ x with all singular vectors of W frozen and M sparse. */
import { type Tensor, tf, type WeightData } from '@psoft/engine';
import { type BasisPair, basisMembers } from '../../basisRecord.ts';
import { AdapterError } from '../../errors.ts';
import type { AdapterLayers, InitialiseOptions, Target } from '../../method.ts';
import { checkRank, ofEachTarget, weightTriples } from '../../principal.ts';
import { type Recipe, stackLayers, unstack } from '../../stacked.ts';
import type { SvftConfig } from './config.ts';
import { multiplySparse, positionsOf, type RowSlots, rowSlots } from './pattern.ts';

export const ENTRIES = 'svft_M.weight';
export const GATE = 'svft_gate';
const POSITIONS = 'svft_positions';

/** Spread of the entries when initWeights is false. */
const RANDOM_INITIAL = 0.1;

export async function svftLayers(
  targets: readonly Target[],
  config: SvftConfig,
  { seed, onProgress }: InitialiseOptions,
): Promise<AdapterLayers> {
  if (config.rank !== undefined)
    for (const target of targets) {
      checkRank('svft', target, config.rank);
      checkTopK(target, config);
    }
  // Positions as float32, the type of what is saved: exact up to 2^24, a 4,096 x 4,096 M.
  const positions = new Map<string, WeightData>();
  const pairs = await ofEachTarget(targets, onProgress, async (target): Promise<BasisPair> => {
    const { name, inFeatures, outFeatures } = target;
    const n = config.triplesOf(target);
    const { u, vt } = await weightTriples('svft', target, n, { method: 'full' });
    const data = Float32Array.from(positionsOf(config, name, n, target, { u, vt }));
    positions.set(name, { kind: 'data', data, shape: [data.length] });
    return {
      a: { kind: 'data', data: vt, shape: [n, inFeatures] },
      b: { kind: 'data', data: u, shape: [outFeatures, n] },
    };
  });
  return stackLayers(targets, svftRecipe(config, pairs, positions), seed);
}

/** On weights that are not square, top_k reads its positions off the square factor: there is none of a part. */
function checkTopK(target: Target, config: SvftConfig): void {
  const { name, inFeatures, outFeatures } = target;
  const all = Math.min(inFeatures, outFeatures);
  if (config.pattern === 'top_k' && inFeatures !== outFeatures && config.triplesOf(target) < all)
    throw new AdapterError(
      `svft "${name}": pattern top_k needs all ${all} singular triples of a weight that is not square, got rank ${config.rank}; leave rank out or take another pattern`,
    );
}

interface Slots {
  readonly rows: RowSlots;
  readonly mirror: RowSlots;
}

function svftRecipe(
  config: SvftConfig,
  pairs: ReadonlyMap<string, BasisPair>,
  positions: ReadonlyMap<string, WeightData>,
): Recipe {
  const { pattern, initWeights, mInit } = config;
  const slotsOf = (names: readonly string[]): Slots[] => {
    const of = (name: string, isTransposed: boolean, width?: number): RowSlots =>
      rowSlots(Int32Array.from(positions.get(name)!.data), pairs.get(name)!.a.shape[0]!, isTransposed, width);
    const widths = [false, true].map((isTransposed) =>
      Math.max(...names.map((name) => of(name, isTransposed).width)),
    );
    return names.map((name) => ({ rows: of(name, false, widths[0]), mirror: of(name, true, widths[1]) }));
  };
  /** Of each module as it was last prepared, alone or in its group. */
  const current = new Map<string, Slots>();
  const depends = pattern === 'random' || pattern === 'top_k';
  return {
    trained: (target) => {
      const entries = config.entriesOf(config.triplesOf(target));
      return [
        {
          key: ENTRIES,
          shape: [entries],
          initialise: (data, stream) => {
            const spread = initWeights ? (mInit === 'kaiming' ? Math.sqrt(2 / entries) : 0) : RANDOM_INITIAL;
            if (spread > 0) for (let i = 0; i < entries; i++) data[i] = spread * stream.normal();
          },
        },
        { key: GATE, shape: [1] },
      ];
    },
    frozen: new Map(
      [...pairs].map(([name, { a, b }]): [string, Record<string, WeightData>] => [
        name,
        { svft_V: a, svft_U: b },
      ]),
    ),
    variant: ({ name }) => (depends ? name : ''),
    prepare: (trained, { modules }) => {
      const names = modules.map(({ target }) => target.name);
      const slots = slotsOf(names);
      names.forEach((name, i) => {
        current.set(name, slots[i]!);
      });
      const gated = tf.mul(trained[ENTRIES]!, tf.sigmoid(trained[GATE]!));
      const values = inSlots(
        gated,
        slots.map(({ rows }) => rows),
      );
      const mirrored = inSlots(
        gated,
        slots.map(({ mirror }) => mirror),
      );
      return modules.map((_, i) => ({ values: values[i]!, mirrored: mirrored[i]! }));
    },
    apply: (x, base, { target, own, frozen }) => {
      const rows = x.rank === 2 ? x : tf.reshape(x, [-1, target.inFeatures]);
      const inner = tf.matMul(rows, frozen.svft_V!, false, true);
      const change = tf.matMul(sparse(inner, own, target), frozen.svft_U!, false, true);
      const y = base(x);
      return tf.add(y, x.rank === 2 ? change : tf.reshape(change, y.shape));
    },
    merged: (weight, { target, own, frozen }) => {
      const mixed = sparse(tf.transpose(frozen.svft_V!), own, target);
      return tf.add(weight, tf.matMul(frozen.svft_U!, mixed, false, true));
    },
    ...(depends
      ? {
          savedWeights: new Map(
            [...positions].map(([name, value]) => [`base_model.model.${name}.${POSITIONS}`, value]),
          ),
        }
      : {}),
    // M in the other basis is D M D; the gate stays.
    ...basisMembers(pairs, (key, data, signs, module) => {
      if (key !== ENTRIES) return data;
      const { data: places } = positions.get(module)!;
      const n = signs.length;
      return data.map((value, i) => value * signs[Math.floor(places[i]! / n)]! * signs[places[i]! % n]!);
    }),
  };

  function sparse(z: Tensor, own: Readonly<Record<string, Tensor>>, { name }: Target): Tensor {
    const { rows, mirror } = current.get(name)!;
    return multiplySparse(z, own.values!, own.mirrored!, rows, mirror);
  }
}

/**
 * Entries in their slots. Every entry has one slot, so that the gradient gathers too.
 * @param entries [modules, count]
 * @returns [n, width] for every module
 */
function inSlots(entries: Tensor, slots: readonly RowSlots[]): Tensor[] {
  const [modules, count] = entries.shape as [number, number];
  const { width, entries: first } = slots[0]!;
  const size = first.length;
  const from = new Int32Array(modules * size);
  const back = new Int32Array(modules * count);
  slots.forEach(({ entries: places }, module) => {
    places.forEach((entry, slot) => {
      from[module * size + slot] = module * (count + 1) + entry;
      if (entry < count) back[module * count + entry] = module * size + slot;
    });
  });
  const placed = tf.customGrad((given) => {
    // An unused slot reads the zero after the last entry.
    const flat = tf.reshape(
      tf.pad(given as Tensor, [
        [0, 0],
        [0, 1],
      ]),
      [modules * (count + 1)],
    );
    return {
      value: tf.reshape(tf.gather(flat, tf.tensor1d(from, 'int32')), [modules, size / width, width]),
      gradFunc: (dy) =>
        tf.reshape(tf.gather(tf.reshape(dy as Tensor, [modules * size]), tf.tensor1d(back, 'int32')), [
          modules,
          count,
        ]),
    };
  })(entries);
  return unstack(placed, modules);
}
