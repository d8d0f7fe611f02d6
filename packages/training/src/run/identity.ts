/** What makes a run the run it is, and the names that follow from it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fingerprintWeights, openCheckpoint } from '@psoft/engine';
import {
  identityFrom,
  type RunIdentity,
  type RunRecord,
  recordPath,
  runName,
  taskFolder,
} from '@psoft/results';
import type { RunConfig, TrainingSettings } from './config.ts';
import { kindOf } from './kinds/index.ts';
import type { Seeds, SplitInfo } from './kinds/kind.ts';
import { adapterConfigOf } from './method.ts';
import type { DataPlace } from './readSplit.ts';
import { localModel, readTask, type SourceHooks, taskOf } from './sources.ts';
import type { TaskDefinition } from './tasks.ts';

/** Raised by hand when the same settings would give other results. */
export const PROTOCOL = 1;

/** Variants of this name follow the released scripts where paper and scripts differ. */
const AS_RELEASED = 'as-released' as const;

/** One seed for all streams: each draws under a name of its own, so they are independent all the same. */
export function seedsOf(seed: number, definition: TaskDefinition): Seeds {
  const seeds = { init: seed, order: seed, dropout: seed };
  return kindOf(definition).isCutBySeed ? { ...seeds, split: seed } : seeds;
}

/** What a run read. */
export interface RunSources {
  readonly splits: readonly SplitInfo[];
  /** SHA-256 of the base weights, without a new head. */
  readonly baseFingerprint: string;
  /** Commits on the Hub, for what came from there. */
  readonly modelRevision?: string;
  readonly dataRevision?: string;
}

export function isRealData({ dataFolder, dataHub, dataUrl }: DataPlace): boolean {
  return [dataFolder, dataHub, dataUrl].some((place) => place !== undefined);
}

/** What a run of the tiny profile on real data is called: it is another result than on its own. */
export const ON_REAL_DATA = 'real-data';

function variantOf(config: RunConfig): { variant?: string } {
  const { variant, profile } = config;
  const parts = [variant, isRealData(config) && profile === 'tiny' ? ON_REAL_DATA : undefined];
  const name = parts.filter((part) => part !== undefined).join('-');
  return name === '' ? {} : { variant: name };
}

/** The part of a record's `runInfo` that is known before the run. */
export function plannedRunInfo(config: RunConfig) {
  const { experiment, task, profile, seed, training } = config;
  return {
    experiment,
    task,
    profile,
    method: config.method,
    ...variantOf(config),
    seed,
    seeds: { ...seedsOf(seed, taskOf(config)) },
    protocol: PROTOCOL,
    protocolVariant: config.variant === AS_RELEASED ? AS_RELEASED : ('paper' as const),
    trainConfig: resultSettings(training),
    adapterConfig: adapterConfigOf(
      config,
      kindOf(taskOf(config)).modelTask,
    ) as RunRecord['runInfo']['adapterConfig'],
  };
}

/** Of the settings, those that decide the result; what was left out means the same as its default. */
function resultSettings(settings: TrainingSettings) {
  const { recompute: _, precision = 'f32', adapterStorage = 'f32', buckets, ...rest } = settings;
  return {
    ...rest,
    ...(precision === 'f32' ? {} : { precision }),
    ...(adapterStorage === 'f32' ? {} : { adapterStorage }),
    ...(buckets && { buckets: [...buckets] }),
  };
}

/** The part of a record's `metaInfo` that says what the run read. */
export function sourceInfo(config: RunConfig, sources: RunSources) {
  const { splits, baseFingerprint, modelRevision, dataRevision } = sources;
  const { split: splitSeed } = seedsOf(config.seed, taskOf(config));
  return {
    modelInfo: {
      name: config.model.name,
      ...(modelRevision === undefined ? {} : { revision: modelRevision }),
      fingerprint: baseFingerprint,
    },
    datasetInfo: {
      name: isRealData(config) ? config.task : `generated ${config.task}`,
      ...(dataRevision === undefined ? {} : { revision: dataRevision }),
      ...(splitSeed === undefined ? {} : { splitSeed }),
      splits: splits.map(({ name, count, fingerprint }) => ({ name, count, fingerprint })),
    },
  };
}

export function runIdentity(config: RunConfig, sources: RunSources): RunIdentity {
  return identityFrom(plannedRunInfo(config), sourceInfo(config, sources));
}

/** Where a run's files lie. */
export function runPlaces(
  identity: RunIdentity,
  { runsFolder, resultsFolder }: { readonly runsFolder: string; readonly resultsFolder: string },
): { runFolder: string; resultFile: string } {
  return {
    runFolder: path.join(runsFolder, taskFolder(identity), runName(identity)),
    resultFile: path.join(resultsFolder, recordPath(identity)),
  };
}

/**
 * Tells of many runs whether they are recorded, without starting them. Models and data are read once each.
 */
export class RecordFinder {
  readonly #fingerprints = new Map<string, Promise<{ baseFingerprint: string; modelRevision?: string }>>();
  readonly #data = new Map<string, Promise<{ splits: readonly SplitInfo[]; dataRevision?: string }>>();

  constructor(
    private readonly resultsFolder: string,
    private readonly hooks: SourceHooks = {},
  ) {}

  /** @returns the record's file, where there is one */
  async find(config: RunConfig): Promise<string | undefined> {
    const file = path.join(this.resultsFolder, recordPath(await this.identify(config)));
    return existsSync(file) ? file : undefined;
  }

  /** Name and fingerprint of a run's base model. */
  async base(config: RunConfig): Promise<{ readonly name: string; readonly fingerprint: string }> {
    const { baseFingerprint } = await this.#baseOf(config);
    return { name: config.model.name, fingerprint: baseFingerprint };
  }

  /** @throws what reading model and data may throw */
  async identify(config: RunConfig): Promise<RunIdentity> {
    const { experiment, task, dataFolder, dataHub, dataUrl, seed, training } = config;
    const base = await this.#baseOf(config);
    const cut = kindOf(taskOf(config)).isCutBySeed ? seed : undefined;
    const place = [dataFolder, dataHub, dataUrl, training.promptTemplate];
    const key = JSON.stringify([experiment, task, place, cut]);
    const data = await cached(this.#data, key, () => this.#read(config));
    return runIdentity(config, { ...base, ...data });
  }

  #baseOf(config: RunConfig) {
    return cached(this.#fingerprints, JSON.stringify(config.model), () => this.#fingerprint(config));
  }

  async #fingerprint(config: RunConfig) {
    const { folder, revision } = await localModel(config, this.hooks);
    const { weights } = await openCheckpoint(folder);
    const baseFingerprint = await fingerprintWeights(weights);
    return { baseFingerprint, ...(revision === undefined ? {} : { modelRevision: revision }) };
  }

  async #read(config: RunConfig) {
    const { folder } = await localModel(config, this.hooks);
    const { infos, revision } = await readTask(config, folder, this.hooks);
    return { splits: infos, ...(revision === undefined ? {} : { dataRevision: revision }) };
  }
}

function cached<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
