/** Several adapters' updates as one LoRA adapter. */
import type { Model, WeightData } from '@psoft/engine';
import { AdapterError, shown } from './errors.ts';
import { type InstalledAdapter, installAdapter } from './installed.ts';
import { topSingularTriples } from './math/svd.ts';
import type { LowRankDelta } from './method.ts';
import { LoraConfig } from './methods/lora/config.ts';
import { LORA_A, LORA_B } from './methods/lora/recipe.ts';
import { deltaWeight } from './stacked.ts';

export interface CombineOptions {
  /** Names of the adapters. */
  readonly adapters: readonly string[];
  /** Factor of each one's update. */
  readonly weights: readonly number[];
  /**
   * `cat` (default): exact, the ranks add up; for updates that are thin products. `svd`: the best update of `rank`, for
   * any method. `linear`: sums of A and of B, each weighted by the root, which is PEFT's `linear`: for LoRA of one rank.
   */
  readonly combination?: 'cat' | 'svd' | 'linear';
  /** For `svd`; by default the largest r among the adapters. */
  readonly rank?: number;
  /** Whose head the new adapter gets; the first one's by default. */
  readonly head?: string;
}

/**
 * A LoRA adapter whose update is the weighted sum of others'.
 * @throws AdapterError for unknown names, weights that do not match, and methods whose updates have no such form
 */
export async function combineAdapters(
  model: Model,
  installed: ReadonlyMap<string, InstalledAdapter>,
  { adapters, weights, combination = 'cat', rank, head = adapters[0] }: CombineOptions,
): Promise<InstalledAdapter> {
  if (adapters.length === 0 || weights.length !== adapters.length || !weights.every(Number.isFinite))
    throw new AdapterError(
      `adapters and weights must be lists of one length with finite weights, got ${shown(adapters)} and ${shown(weights)}`,
    );
  const named = [...adapters, head!].map((name) => {
    const adapter = installed.get(name);
    if (adapter === undefined)
      throw new AdapterError(`no adapter "${name}"; there are ${[...installed.keys()].join(', ')}`);
    return adapter;
  });
  if (rank !== undefined && combination !== 'svd')
    throw new AdapterError(`rank (${rank}) is only for combination "svd", here it is "${combination}"`);
  const terms = adapters.map((name, i) => ({ name, adapter: named[i]!, weight: weights[i]! }));
  const combine = { cat: concatenated, svd: truncated(rank), linear: summed }[combination];
  if (combine === undefined)
    throw new AdapterError(`combination must be one of cat, svd, linear, got ${shown(combination)}`);
  const pairs = new Map<string, LowRankDelta>();
  for (const { name } of model.linears) {
    const concerned = terms.filter(({ adapter }) =>
      adapter.layers.targets.some((target) => target.name === name),
    );
    if (concerned.length > 0) pairs.set(name, await combine(name, concerned));
  }
  return loraOf(model, pairs, named.at(-1)!);
}

interface Term {
  readonly name: string;
  readonly adapter: InstalledAdapter;
  readonly weight: number;
}

type Combination = (module: string, terms: readonly Term[]) => Promise<LowRankDelta>;

async function concatenated(module: string, terms: readonly Term[]): Promise<LowRankDelta> {
  const pairs: LowRankDelta[] = [];
  for (const { name, adapter, weight } of terms) {
    if (adapter.layers.lowRankDeltas === undefined)
      throw new AdapterError(
        `adapter "${name}" (${adapter.config.method}) has no update that is a thin product: combine with "svd" and a rank`,
      );
    for await (const [, { a, b }] of adapter.layers.lowRankDeltas([module]))
      pairs.push({ a, b: { ...b, data: b.data.map((value) => weight * value) } });
  }
  const ranks = pairs.map(({ a }) => a.shape[0]!);
  const rank = ranks.reduce((sum, one) => sum + one, 0);
  const [rows, columns] = [pairs[0]!.b.shape[0]!, pairs[0]!.a.shape[1]!];
  const a = new Float32Array(rank * columns);
  const b = new Float32Array(rows * rank);
  let at = 0;
  pairs.forEach((pair, k) => {
    a.set(pair.a.data, at * columns);
    for (let row = 0; row < rows; row++)
      b.set(pair.b.data.subarray(row * ranks[k]!, (row + 1) * ranks[k]!), row * rank + at);
    at += ranks[k]!;
  });
  return pair(a, b, rank);
}

const truncated =
  (asked: number | undefined): Combination =>
  async (module, terms) => {
    const { inFeatures: columns, outFeatures: rows } = terms[0]!.adapter.layers.targets.find(
      ({ name }) => name === module,
    )!;
    const sum = new Float32Array(rows * columns);
    for (const { adapter, weight } of terms) {
      const delta = await deltaWeight(adapter.layers, module);
      for (let i = 0; i < sum.length; i++) sum[i]! += weight * delta[i]!;
    }
    const rank = asked ?? Math.max(...terms.map(({ adapter }) => rankOf(adapter)));
    const { u, s, vt } = await topSingularTriples({ rows, columns, data: sum }, rank, { method: 'full' });
    return pair(
      vt.map((value, i) => value * Math.sqrt(s[Math.floor(i / columns)]!)),
      u.map((value, i) => value * Math.sqrt(s[i % rank]!)),
      rank,
    );
  };

async function summed(module: string, terms: readonly Term[]): Promise<LowRankDelta> {
  const all = terms.map(({ name, adapter: { config, layers }, weight }) => {
    if (!(config instanceof LoraConfig) || config.method !== 'lora')
      throw new AdapterError(
        `adapter "${name}" is ${config.method}: combination "linear" is for LoRA; take "cat" or "svd"`,
      );
    const state = layers.state();
    const factor = weight * config.scalingOf(module);
    const [a, b] = [state.get(`${module}.${LORA_A}`)!, state.get(`${module}.${LORA_B}`)!];
    return { a, b, onA: Math.sign(factor) * Math.sqrt(Math.abs(factor)), onB: Math.sqrt(Math.abs(factor)) };
  });
  const rank = all[0]!.a.shape[0]!;
  if (all.some(({ a }) => a.shape[0] !== rank))
    throw new AdapterError(
      `"${module}": combination "linear" needs one rank, got ${all.map(({ a }) => a.shape[0]).join(', ')}; take "cat" or "svd"`,
    );
  const total = (pick: 'a' | 'b', factor: 'onA' | 'onB'): Float32Array =>
    all[0]![pick].data.map((_, i) => all.reduce((sum, one) => sum + one[factor] * one[pick].data[i]!, 0));
  return pair(total('a', 'onA'), total('b', 'onB'), rank);
}

function pair(a: Float32Array, b: Float32Array, rank: number): LowRankDelta {
  const data = (values: Float32Array, shape: number[]): WeightData => ({ kind: 'data', data: values, shape });
  return { a: data(a, [rank, a.length / rank]), b: data(b, [b.length / rank, rank]) };
}

function rankOf({ config, method }: InstalledAdapter): number {
  const { rank } = method.about;
  if (rank === undefined)
    throw new AdapterError(`${config.method} has no rank of its own: give \`rank\` for the combined adapter`);
  return (config as unknown as Record<string, number>)[rank]!;
}

async function loraOf(
  model: Model,
  pairs: ReadonlyMap<string, LowRankDelta>,
  head: InstalledAdapter,
): Promise<InstalledAdapter> {
  const ranks = Object.fromEntries([...pairs].map(([name, { a }]) => [name, a.shape[0]!]));
  const r = Math.max(...Object.values(ranks));
  const others = Object.fromEntries(Object.entries(ranks).filter(([, rank]) => rank !== r));
  const { modulesToSave, taskType, baseModelNameOrPath, revision } = head.config;
  const config = new LoraConfig({
    r,
    loraAlpha: r,
    rankPattern: others,
    alphaPattern: others,
    targetModules: [...pairs.keys()],
    modulesToSave,
    taskType,
    baseModelNameOrPath,
    revision,
  });
  const adapter = await installAdapter(model, config);
  const state = adapter.layers.state();
  for (const [name, { a, b }] of pairs) {
    state.get(`${name}.${LORA_A}`)!.data.set(a.data);
    state.get(`${name}.${LORA_B}`)!.data.set(b.data);
  }
  adapter.heads.forEach(({ data }, i) => {
    data.set(head.heads[i]!.data);
  });
  return adapter;
}
