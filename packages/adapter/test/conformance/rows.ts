/** What the conformance suite runs over: every method in its configurations, on the small network and on a DeBERTa-v3. */
import type { Executor, Model } from '@psoft/engine';
import { initialiseModel, modelFor } from '@psoft/models';
import {
  type AdapterConfig,
  getPeftModel,
  type MethodName,
  methodNamed,
  type PeftModel,
} from '../../src/index.ts';
import type { SampleInputs } from '../../src/merge.ts';
import { perturb, random, toyModel } from '../toy.ts';
import { TESTED } from './executors.ts';

export type ModelName = 'toy' | 'deberta';

export interface Row {
  readonly title: string;
  readonly method: MethodName;
  readonly options: Readonly<Record<string, unknown>>;
  readonly model: ModelName;
  /**
   * How far the first outputs may lie from the base model's: 0 where the start is exact in float32, a rounding where the
   * method passes through a quotient, more where its paper starts elsewhere.
   */
  readonly startsWithin: number;
}

/** Square, wide and tall; with a bias and without. */
const TOY_MODULES = ['query_proj', 'intermediate.dense', 'output.dense'];

type Variants = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function toyRow(method: MethodName, startsWithin: number, variant: string, options: object): Row {
  return {
    title: `${method}, ${variant}`,
    method,
    options: { targetModules: TOY_MODULES, ...options },
    model: 'toy',
    startsWithin,
  };
}

/** @param deberta the settings on DeBERTa-v3 */
function rowsOf(method: MethodName, startsWithin: number, deberta: object, variants: Variants): Row[] {
  const onDeberta: Row = {
    title: `${method}, on DeBERTa-v3`,
    method,
    options: { targetModules: 'all-linear', ...deberta },
    model: 'deberta',
    // Every layer norm and softmax after it passes a rounding on.
    startsWithin: 4 * startsWithin,
  };
  const onToy = Object.entries(variants).map(([variant, options]) =>
    toyRow(method, startsWithin, variant, options),
  );
  return [...onToy, onDeberta];
}

const low = { r: 4, loraAlpha: 8 };
const psoft = { r: 4, psoftAlpha: 8 };

/** Every method has its plain configuration first. */
export const ROWS: readonly Row[] = [
  ...rowsOf(
    'psoft',
    0,
    { r: 4, psoftAlpha: 4 },
    {
      plain: psoft,
      'a rank that products fill with zeros': { r: 9, psoftAlpha: 9 },
      series: { ...psoft, useCayleyNeumann: true, cayleyNeumannEps: 0.9 },
      unconstrained: { ...psoft, psoftOrth: false },
      'strict orthogonality': { ...psoft, psoftMagA: false, psoftMagB: false },
      'with a penalty': { ...psoft, psoftOrth: false, orthogonalityPenalty: 0.1 },
      'pissa_init, rank 1': { r: 1, psoftAlpha: 1, abSvdInit: 'pissa_init' },
      'output_init, dropout': { ...psoft, abSvdInit: 'output_init', psoftDropout: 0.2 },
      'fast decomposition': { ...psoft, psoftSvd: 'lowrank', psoftSvdLowrankNiter: 1, randomSeed: 5 },
      'layer 0 alone': { ...psoft, layersToTransform: 0 },
    },
  ),
  ...rowsOf('lora', 0, low, {
    plain: low,
    rslora: { ...low, useRslora: true },
    patterns: {
      ...low,
      rankPattern: { query_proj: 2, 'layer.1.output.dense': 6 },
      alphaPattern: { query_proj: 7 },
    },
    'gaussian, dropout': { ...low, initLoraWeights: 'gaussian', loraDropout: 0.2 },
    'layer 0 alone': { ...low, layersToTransform: [0] },
    'a further trained module': { ...low, targetModules: ['dense'], modulesToSave: ['query_proj'] },
  }),
  ...rowsOf('pissa', 0, low, {
    exact: low,
    'fast decomposition': { ...low, initLoraWeights: 'pissa_niter_1' },
    rslora: { ...low, useRslora: true },
  }),
  ...rowsOf('dora', 2e-6, low, {
    plain: low,
    'patterns, rslora': {
      ...low,
      useRslora: true,
      rankPattern: { query_proj: 2 },
      alphaPattern: { dense: 3 },
    },
    'from the principal part': { ...low, initLoraWeights: 'pissa' },
    dropout: { ...low, loraDropout: 0.2 },
  }),
  ...rowsOf(
    'oft',
    0,
    { oftBlockSize: 4 },
    {
      plain: { oftBlockSize: 4 },
      'by number of blocks': { r: 2 },
      exact: { oftBlockSize: 4, useCayleyNeumann: false },
      shared: { oftBlockSize: 4, blockShare: true },
      scaled: { oftBlockSize: 4, scaled: true },
      constrained: { oftBlockSize: 4, coft: true, eps: 0.2 },
      dropout: { oftBlockSize: 4, moduleDropout: 0.3 },
    },
  ),
  ...rowsOf(
    'boft',
    0,
    { boftBlockSize: 4 },
    {
      plain: { boftBlockSize: 4 },
      'two factors': { boftBlockSize: 2, boftNButterflyFactor: 2 },
      'by number of blocks': { boftBlockNum: 2 },
      dropout: { boftBlockSize: 4, boftDropout: 0.3 },
    },
  ),
  ...rowsOf(
    'vera',
    0,
    { r: 8 },
    {
      plain: { r: 8 },
      'projections by key': { r: 8, saveProjection: false, projectionPrngKey: 3 },
      dropout: { r: 8, veraDropout: 0.2 },
    },
  ),
  ...rowsOf('lora-xs', 1e-3, low, {
    plain: low,
    'fast decomposition': { ...low, svd: 'lowrank', svdNiter: 1 },
    dropout: { ...low, loraDropout: 0.2 },
  }),
  ...rowsOf('goft', 0, {}, { plain: {}, scaled: { noScaling: false } }),
  ...rowsOf('qgoft', 0, {}, { plain: {}, scaled: { noScaling: false } }),
  ...rowsOf(
    'svft',
    0,
    { pattern: 'banded' },
    {
      plain: {},
      banded: { pattern: 'banded', offDiag: 2 },
      random: { pattern: 'random', offDiag: 2, randomSeed: 4 },
      'top-k': { pattern: 'top_k', offDiag: 1 },
      'top-k of a part': { pattern: 'top_k', offDiag: 1, rank: 6, targetModules: ['query_proj'] },
      'rank 6': { pattern: 'banded', rank: 6 },
    },
  ),
  // The released code's start: anywhere but at the base model.
  toyRow('svft', Number.POSITIVE_INFINITY, 'kaiming', { mInit: 'kaiming' }),
];

/** The first row of each method: for what does not depend on settings. */
export const PLAIN_ROWS: readonly Row[] = ROWS.filter(
  ({ method }, i) => ROWS.findIndex((row) => row.method === method) === i,
);

/**
 * Where a row runs in groups whose subject is not its arithmetic (which the groups on start and training run everywhere):
 * everywhere for plain settings and on DeBERTa-v3, compiled alone for the other settings.
 */
export const executorsFor = (row: Row): readonly Executor[] =>
  PLAIN_ROWS.includes(row) || row.model === 'deberta' ? TESTED : ['cpu'];

/** A tall module with a bias. */
export const MODULE = 'toy.encoder.layer.0.output.dense';

/** A row of the small network on that module alone: for what is the same in every module, since each shape takes time. */
export const onOneModule = (row: Row): Row =>
  row.model === 'toy' ? { ...row, options: { ...row.options, targetModules: [MODULE] } } : row;

/** For `describe.each`. */
export const titled = (rows: readonly Row[]): [string, Row][] => rows.map((row) => [row.title, row]);

export const configOf = ({ method, options }: Row): AdapterConfig => methodNamed(method).configure(options);

/** A new base model: the same weights at every call. */
export function baseOf({ model }: Pick<Row, 'model'>, seed = 7): Model {
  if (model === 'toy') return toyModel({ seed });
  return modelFor(
    'sequence-classification',
    DEBERTA,
    initialiseModel('sequence-classification', DEBERTA, seed),
  );
}

/** An adapter with random values in every trained tensor, the head's included, or with its initial ones. */
export async function adapted(
  row: Row,
  values: 'initial' | 'random' = 'random',
  seed = 1,
): Promise<PeftModel> {
  const model = await getPeftModel(baseOf(row), configOf(row), { seed });
  if (values === 'random') perturb(model);
  return model;
}

export function inputsOf({ model }: Pick<Row, 'model'>): SampleInputs {
  if (model === 'toy') return { x: random(1, 'x', [5, 12]) };
  return {
    inputIds: { data: Int32Array.of(1, 7, 9, 3, 2, 1, 8, 4, 2, 0), shape: [2, 5] },
    attentionMask: { data: Float32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 1, 0), shape: [2, 5] },
  };
}

const DEBERTA = {
  model_type: 'deberta-v2',
  vocab_size: 20,
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 16,
  max_relative_positions: -1,
  relative_attention: true,
  position_buckets: 4,
  share_att_key: true,
  pos_att_type: 'p2c|c2p',
  norm_rel_ebd: 'layer_norm',
  position_biased_input: false,
  type_vocab_size: 0,
  layer_norm_eps: 1e-7,
  initializer_range: 0.2,
  pad_token_id: 0,
  pooler_dropout: 0,
  pooler_hidden_act: 'gelu',
  pooler_hidden_size: 16,
  num_labels: 2,
};
