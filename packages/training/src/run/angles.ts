/** How a finished run changed the geometry of the weights that it adapted: see `@psoft/results/angles`. */
import { type AdapterConfig, PeftModel, topSingularTriples } from '@psoft/adapter';
import { gemm, readWeight } from '@psoft/engine';
import {
  type AnglesPart,
  angleMatrix,
  changeOf,
  placesOf,
  sumOfChanges,
  type Vectors,
} from '@psoft/results/angles';
import { ConfigError } from './config.ts';
import { type RunHooks, sourceHooks } from './execute.ts';
import { loadRun } from './saved.ts';

export interface AnglesRequest {
  /** Of a finished run, or of the adapter in it. */
  readonly folder: string;
  /** The base model, where it lies elsewhere than in training. */
  readonly modelFolder?: string;
  /** Of the principal part: needed where the method has none of its own. */
  readonly rank?: number;
  /** Columns of a module that are looked at, spread evenly. */
  readonly columns: number;
}

export interface AnglesSummary {
  readonly rank: number;
  readonly modules: number;
  readonly columns: number;
  readonly shown: { readonly module: string; readonly columns: readonly number[] };
  readonly principal: AnglesPart;
  readonly whole: AnglesPart;
}

/** The paper shows the first eight columns of the query matrix in the middle of the model. */
const SHOWN = 8;
const QUERY = /(^|\.)(query|query_proj|q_proj)$/;

/** @throws ConfigError for a run without an adapter, and a rank that is missing or contradicts the run's */
export async function measureAngles(request: AnglesRequest, hooks: RunHooks): Promise<AnglesSummary> {
  const { folder, columns } = request;
  const { config, model } = await loadRun(folder, sourceHooks(hooks), request.modelFolder);
  if (!(model instanceof PeftModel))
    throw new ConfigError(`${folder} has no adapter to measure: the run trained ${config.method}`);
  return measureModel(model, columns, request.rank);
}

/**
 * The principal part after fine-tuning is what it was plus the update of the weight, W_final = W_ps-tuned + W_res: of
 * PSOFT that is s B diag(b) R diag(a) A, of any other method the share of the update is all of it.
 */
export async function measureModel(
  model: PeftModel,
  columns: number,
  givenRank?: number,
): Promise<AnglesSummary> {
  const rank = rankOf(model, givenRank);
  const { targets } = model.layers;
  const shownTarget = middle(targets.filter(({ name }) => QUERY.test(name))) ?? middle(targets)!;
  const changes: Record<PartName, ReturnType<typeof changeOf>[]> = { principal: [], whole: [] };
  let shown: Shown | undefined;
  for await (const [name, delta] of deltas(model)) {
    const { weight, inFeatures: length, outFeatures: count } = targets.find((one) => one.name === name)!;
    const vectors = (data: Float32Array): Vectors => ({ data, count, length });
    const whole = Float32Array.from(await readWeight(weight));
    const before = { whole, principal: await principalPart(model, name, whole, rank) };
    const pairs = PARTS.map((part) => {
      const after = before[part].map((value, i) => value + delta[i]!);
      return { part, before: vectors(before[part]), after: vectors(after) };
    });
    const usable = pairs.flatMap((one) => [one.before, one.after]);
    const places = placesOf(usable, columns);
    for (const { part, ...both } of pairs) changes[part].push(changeOf(both.before, both.after, places));
    if (name === shownTarget.name) {
      const first = placesOf(usable, count).slice(0, SHOWN);
      const [principal, whole] = pairs.map(({ before, after }) => ({
        before: rounded(angleMatrix(before, first)),
        after: rounded(angleMatrix(after, first)),
      }));
      shown = { module: name, columns: first, principal: principal!, whole: whole! };
    }
  }
  const { module, columns: first, ...matrices } = shown!;
  const part = (name: PartName): AnglesPart => ({ ...matrices[name], change: sumOfChanges(changes[name]) });
  return {
    ...{ rank, modules: targets.length, columns, shown: { module, columns: first } },
    principal: part('principal'),
    whole: part('whole'),
  };
}

const PARTS = ['principal', 'whole'] as const;
type PartName = (typeof PARTS)[number];
type Shown = AnglesSummary['shown'] & Readonly<Record<PartName, Omit<AnglesPart, 'change'>>>;

function rankOf({ config, method }: PeftModel, given: number | undefined): number {
  const own = method.peftType === 'PSOFT' ? (config as AdapterConfig & { readonly r: number }).r : undefined;
  if (own !== undefined && given !== undefined && given !== own)
    throw new ConfigError(`--rank=${given}: the run's principal part has rank ${own}; leave --rank out`);
  const rank = own ?? given;
  if (rank === undefined)
    throw new ConfigError(
      `${method.peftType} has no principal part of its own: give --rank, that of the PSOFT run it is compared with`,
    );
  return rank;
}

/** Updates of all modules, float32 [out, in], without the rounding of the weight where the method's form allows. */
async function* deltas({ layers }: PeftModel): AsyncGenerator<readonly [string, Float32Array]> {
  if (layers.lowRankDeltas) {
    for await (const [name, { a, b }] of layers.lowRankDeltas()) {
      const [rank, columns] = a.shape as [number, number];
      const left = { rows: b.shape[0]!, columns: rank, data: b.data as Float32Array };
      yield [name, (await gemm(left, { rows: rank, columns, data: a.data as Float32Array })).data];
    }
    return;
  }
  const weightOf = async (module: string) => {
    const { weight } = layers.targets.find(({ name }) => name === module)!;
    return Float32Array.from(await readWeight(weight));
  };
  for await (const [name, merged] of layers.mergedWeights(weightOf)) {
    const weight = await weightOf(name);
    yield [name, merged.map((value, i) => value - weight[i]!)];
  }
}

/** W_pri, float32 [out, in]: of PSOFT the product that its adapter stands on, else the top triples of the weight. */
async function principalPart(
  { layers, config }: PeftModel,
  module: string,
  weight: Float32Array,
  rank: number,
): Promise<Float32Array> {
  const { inFeatures: columns, outFeatures: rows } = layers.targets.find(({ name }) => name === module)!;
  const [a, b] = [layers.weights.get(`${module}.psoft_A`), layers.weights.get(`${module}.psoft_B`)];
  if (a !== undefined && b !== undefined) {
    const { scaling } = config as AdapterConfig & { readonly scaling: number };
    const scaled = (b.data as Float32Array).map((value) => value * scaling);
    const left = { rows, columns: rank, data: scaled };
    return (await gemm(left, { rows: rank, columns, data: a.data as Float32Array })).data;
  }
  const { u, s, vt } = await topSingularTriples({ rows, columns, data: weight }, rank, { method: 'full' });
  const scaled = Float32Array.from(u, (value, i) => value * s[i % rank]!);
  return (
    await gemm({ rows, columns: rank, data: scaled }, { rows: rank, columns, data: Float32Array.from(vt) })
  ).data;
}

const middle = <T>(all: readonly T[]): T | undefined => all[Math.floor(all.length / 2)];
const rounded = (matrix: readonly (readonly number[])[]) =>
  matrix.map((row) => row.map((value) => Math.round(value * 1e4) / 1e4));
