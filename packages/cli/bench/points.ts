/** Which points the benches measure: methods with the settings of the experiments, at the sizes of the tables. */
import type { BenchPoint } from '@psoft/results/bench';
import { AXES, GROWTH, TABLE_SIZES } from '@psoft/results/bench';
import math from '../../../experiments/math/experiment.json' with { type: 'json' };
import nlu from '../../../experiments/nlu/experiment.json' with { type: 'json' };
import vision from '../../../experiments/vision/experiment.json' with { type: 'json' };
import type { LayerName } from './layers.ts';
import { SHAPES, type ShapeName } from './shapes.ts';

export type Subject = ShapeName | LayerName;
export const SUBJECTS: readonly Subject[] = [...(Object.keys(SHAPES) as ShapeName[]), 'linear', 'block'];

/** The methods that are measured, in the order of the tables. */
export const METHODS = [
  ...[
    'goft',
    'qgoft',
    'boft',
    'oft',
    'lora',
    'pissa',
    'dora',
    'vera',
    'lora-xs',
    'svft',
    'psoft',
    'full',
    'head',
  ],
] as const;

export type Profile = 'tiny' | 'paper';

/** What a user may ask for beside the suite's own. */
export interface Wish {
  readonly profile: Profile;
  readonly executor: BenchPoint['executor'];
  readonly precision: BenchPoint['precision'];
  readonly weights: BenchPoint['weights'];
  readonly recompute: boolean;
  readonly accumulate?: number;
  readonly batch?: number;
  readonly length?: number;
  readonly layers?: number;
  readonly hidden?: number;
  readonly rank?: number;
}

type Settings = BenchPoint['adapter'];
interface Experiment {
  readonly methods: Readonly<
    Record<
      string,
      { readonly paper?: { readonly adapter?: Settings; readonly unavailable?: string } } | undefined
    >
  >;
}

/** The experiment that trains a shape. Layers have those of the encoder: the paper states none. */
const EXPERIMENT: Readonly<Record<Subject, Experiment>> = {
  deberta: nlu as never,
  vit: vision as never,
  llama: math as never,
  linear: nlu as never,
  block: nlu as never,
};

/** Settings that the tiny profile cannot have: ranks are at most its width. */
const TINY: Readonly<Record<string, Settings>> = {
  psoft: { r: 46, psoftAlpha: 46 },
  vera: { r: 64 },
  'lora-xs': { r: 32, loraAlpha: 32 },
};

/** Its keys and values are half as wide. */
const TINY_LLAMA: typeof TINY = { psoft: { r: 16, psoftAlpha: 16 }, 'lora-xs': { r: 16, loraAlpha: 16 } };

/** The paper's settings of a method on a subject; the rank given, where it has one. */
export function adapterOf(subject: Subject, method: string, profile: Profile, rank?: number): Settings {
  if (method === 'full' || method === 'head') return {};
  const own = EXPERIMENT[subject].methods[method]?.paper?.adapter ?? { targetModules: 'all-linear' };
  const narrow = subject === 'llama' ? TINY_LLAMA[method] : undefined;
  const tiny = profile === 'tiny' ? (narrow ?? TINY[method]) : undefined;
  const ranked = rank === undefined || !('r' in own) ? {} : { r: rank, ...alphaOf(own, rank) };
  return { ...own, ...tiny, ...ranked };
}

function alphaOf(own: Settings, rank: number): Settings {
  return Object.fromEntries(
    ['psoftAlpha', 'loraAlpha'].filter((name) => name in own).map((name) => [name, rank]),
  );
}

/** A subject's sizes: the paper's, or small ones. */
function sizesOf(
  subject: Subject,
  profile: Profile,
): Pick<BenchPoint, 'batch' | 'length' | 'layers' | 'hidden'> {
  const sizes = TABLE_SIZES[profile]!;
  if (subject === 'linear' || subject === 'block') {
    const { batch, length, hidden, layers } = sizes[subject === 'linear' ? 'table19' : 'table20']!;
    return { batch: batch!, length: length!, hidden, layers };
  }
  const { config, extent } = SHAPES[subject];
  if (profile === 'paper') return { ...extent, hidden: config.hidden_size, layers: config.num_hidden_layers };
  return { batch: 2, length: subject === 'vit' ? 197 : 16, hidden: 64, layers: 2 };
}

export function pointOf(
  subject: Subject,
  method: string,
  wish: Wish,
  more: Partial<BenchPoint> = {},
): BenchPoint {
  const {
    profile,
    batch,
    length,
    layers,
    hidden,
    rank,
    recompute,
    accumulate,
    executor,
    precision,
    weights,
  } = wish;
  const given = Object.fromEntries(
    Object.entries({ batch, length, layers, hidden }).filter(([, value]) => value !== undefined),
  );
  return {
    profile,
    shape: subject,
    kind: subject === 'linear' || subject === 'block' ? 'passes' : 'step',
    method,
    adapter: adapterOf(subject, method, profile, rank),
    ...sizesOf(subject, profile),
    ...{ executor, precision, weights },
    ...(recompute ? { recompute } : {}),
    ...(accumulate === undefined || accumulate === 1 ? {} : { accumulate }),
    ...more,
    ...given,
  };
}

/** Rows of Tables 19 and 20 that have settings of their own. */
const RANKS = [32, 64, 128, 256, 512];

/** Tables 19 and 20 with every other method beside theirs, and a step of every method on the three models. */
export function speedPoints(wish: Wish, methods: readonly string[] = METHODS): BenchPoint[] {
  const layers = (['linear', 'block'] as const).flatMap((subject) =>
    methods.filter((method) => method !== 'head').flatMap((method) => variantsOf(subject, method, wish)),
  );
  const steps = (['deberta', 'vit', 'llama'] as const).flatMap((subject) =>
    methods.map((method) => pointOf(subject, method, wish)),
  );
  return [...layers, ...steps];
}

function variantsOf(subject: LayerName, method: string, wish: Wish): BenchPoint[] {
  if (method === 'psoft') return RANKS.map((rank) => pointOf(subject, method, { ...wish, rank }));
  const own = pointOf(subject, method, wish);
  if (method !== 'boft') return [own];
  const four = { ...own.adapter, boftBlockSize: 4, boftNButterflyFactor: 4 };
  return [own, { ...own, adapter: four }];
}

/** Tables 21 and 22 with every other method beside theirs. */
export function memoryPoints(wish: Wish, methods: readonly string[] = METHODS): BenchPoint[] {
  const sizes = TABLE_SIZES[wish.profile]!;
  const over = (
    subject: 'deberta' | 'vit',
    id: string,
    size: 'length' | 'batch',
    values: readonly number[],
  ) =>
    methods.flatMap((method) =>
      values.map((value) => pointOf(subject, method, wish, { ...sizes[id], [size]: value })),
    );
  return [
    ...over('deberta', 'table21', 'length', [64, 128, 256]),
    ...over('vit', 'table22', 'batch', [16, 32, 64]),
  ];
}

/** Why a point is not tried, where that is known beforehand. */
export function unavailableOf({ shape, method, profile }: BenchPoint): string | undefined {
  if (method === 'head' && shape === 'llama') return 'a language model has no head of its own to train';
  if (method === 'head' && (shape === 'linear' || shape === 'block')) return 'a layer has no head';
  return profile === 'paper' ? EXPERIMENT[shape as Subject].methods[method]?.paper?.unavailable : undefined;
}

/** One size after another, the others held; methods without a rank have the other axes. */
export function growthPoints(wish: Wish, methods: readonly string[]): BenchPoint[] {
  const { shape, base, values } = GROWTH[wish.profile];
  const points = methods.flatMap((method) =>
    AXES.flatMap((axis) =>
      values[axis].map((value) => {
        const { rank, ...sizes } = { ...base, [axis]: value };
        return pointOf(shape as Subject, method, { ...wish, rank }, sizes);
      }),
    ),
  );
  // The base is on every axis.
  return [...new Map(points.map((point) => [JSON.stringify(point), point])).values()];
}
