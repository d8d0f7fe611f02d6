/** The state of a run on disk, so that a run killed at any moment can go on from it and end as if it had not been. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import {
  readSafetensorsHeader,
  readWeight,
  removeWithLeftovers,
  type WeightSource,
  writeSafetensors,
} from '@psoft/engine';
import { shown as quoted } from '@psoft/engine/errors';
import type { FitState } from '../fit.ts';
import type { GradScalerState } from '../gradScaler.ts';
import { ConfigError } from './config.ts';
import { isObject } from './readJson.ts';

const FILE = 'checkpoint.safetensors';
const FORMAT = 2;

/** What must be alike for a continued run to give the same result to the bit. */
export interface CheckpointKey {
  readonly configHash: string;
  readonly executor: string;
  /** 0 where it was left to the executor. */
  readonly threads: number;
  /** Versions of what computes. */
  readonly versions: string;
}

export interface SavedState {
  readonly state: FitState;
  /** Wall time of the run so far. */
  readonly seconds: number;
  /** How often it was continued before. */
  readonly continued: number;
}

/** What JSON holds of a state; its arrays are tensors of the file. */
interface Description extends CheckpointKey {
  readonly format: number;
  readonly step: number;
  readonly epoch: number;
  readonly batch: number;
  readonly optimiserStep: number;
  readonly best?: { readonly epoch: number; readonly step: number; readonly metric: number };
  readonly rows: FitState['rows'];
  readonly meter: FitState['meter'];
  readonly gradScaler?: GradScalerState;
  readonly seconds: number;
  readonly continued: number;
}

export class CheckpointFile {
  readonly file: string;

  constructor(
    private readonly runFolder: string,
    private readonly key: CheckpointKey,
  ) {
    this.file = path.join(runFolder, FILE);
  }

  get exists(): boolean {
    return existsSync(this.file);
  }

  /** Replaces the one before; a kill leaves the one or the other. */
  async write({ state, seconds, continued }: SavedState): Promise<void> {
    const { step, epoch, batch, values, optimiser, best, rows, meter, gradScaler } = state;
    const description: Description = {
      ...this.key,
      format: FORMAT,
      step,
      epoch,
      batch,
      optimiserStep: optimiser.step,
      ...(best === undefined ? {} : { best: { epoch: best.epoch, step: best.step, metric: best.metric } }),
      rows,
      meter,
      ...(gradScaler === undefined ? {} : { gradScaler }),
      seconds,
      continued,
    };
    const tensor = (data: Float32Array): WeightSource => ({ kind: 'data', data, shape: [data.length] });
    const tensors = new Map([
      ['values', tensor(values)],
      ['firstMoment', tensor(optimiser.firstMoment)],
      ['secondMoment', tensor(optimiser.secondMoment)],
      ...(best === undefined ? [] : [['best', tensor(best.values)] as const]),
    ]);
    await mkdir(this.runFolder, { recursive: true });
    await writeSafetensors(this.file, tensors, { metadata: { state: JSON.stringify(description) } });
  }

  /**
   * @param size how many values the run trains
   * @throws ConfigError for a checkpoint of another executor, thread count or version, and for a damaged file
   */
  async read(size: number): Promise<SavedState> {
    const { tensors, metadata } = await readSafetensorsHeader(this.file);
    const refuse = (problem: string) =>
      new ConfigError(`the checkpoint ${this.file} ${problem}; --restart begins the run anew`);
    const description = descriptionIn(metadata.state);
    if (description === undefined) throw refuse('holds no state of a run');
    if (description.format !== FORMAT)
      throw refuse(`has format ${quoted(description.format)}, this code reads ${FORMAT}`);
    for (const name of ['configHash', 'executor', 'threads', 'versions'] as const)
      if (description[name] !== this.key[name])
        throw refuse(
          `was made with ${name} ${shown(name, description[name])}, this run has ${shown(name, this.key[name])}, which could end in another result`,
        );
    if (!isState(description)) throw refuse('holds a state that no run writes');
    const read = async (name: string): Promise<Float32Array> => {
      const source = tensors.get(name);
      const length = source?.shape[0];
      if (source === undefined || length !== size)
        throw refuse(`has ${length ?? 'no'} values in "${name}", the run trains ${size}`);
      return Float32Array.from(await readWeight(source));
    };
    const { step, epoch, batch, optimiserStep, best, rows, meter, gradScaler, seconds, continued } =
      description;
    const state: FitState = {
      step,
      epoch,
      batch,
      values: await read('values'),
      optimiser: {
        step: optimiserStep,
        firstMoment: await read('firstMoment'),
        secondMoment: await read('secondMoment'),
      },
      best: best === undefined ? undefined : { ...best, values: await read('best') },
      rows,
      meter,
      ...(gradScaler === undefined ? {} : { gradScaler }),
    };
    return { state, seconds, continued };
  }

  /** With what writers that were killed have left: nobody writes beside the one that holds the run. */
  remove(): Promise<void> {
    return removeWithLeftovers(this.file);
  }
}

function shown(name: keyof CheckpointKey, value: unknown): string {
  if (name === 'threads' && value === 0) return "left to the executor's choice";
  return typeof value === 'string' ? value : quoted(value);
}

/** @returns undefined for what is no JSON object */
function descriptionIn(text: string | undefined): Description | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? (value as unknown as Description) : undefined;
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

function isScaler(state: GradScalerState): boolean {
  if (!isObject(state)) return false;
  const { scale, sinceChange, skippedSteps } = state as unknown as GradScalerState;
  return Number.isInteger(Math.log2(scale)) && scale >= 1 && [sinceChange, skippedSteps].every(isCount);
}

/** Whether a state is as {@link CheckpointFile.write} writes it: a damaged one must not become another result. */
function isState(description: Description): boolean {
  const { step, epoch, batch, optimiserStep, best, rows, meter, gradScaler, ...rest } = description;
  const isNumber = (value: unknown): boolean => typeof value === 'number';
  // JSON has null for what is not finite, as a rate over no time.
  const isStored = (value: unknown): boolean => isNumber(value) || value === null;
  const areStored = (value: object): boolean => Object.values(value).every(isStored);
  return (
    [step, epoch, batch, optimiserStep, rest.continued].every(isCount) &&
    isNumber(rest.seconds) &&
    rest.seconds >= 0 &&
    (best === undefined ||
      (isObject(best) && [best.step, best.epoch].every(isCount) && isNumber(best.metric))) &&
    Array.isArray(rows) &&
    rows.every(
      (row) =>
        isObject(row) &&
        isObject(row.selection) &&
        [row.selection, { ...row, selection: 0 }].every(areStored),
    ) &&
    isObject(meter) &&
    [meter.loss, meter.norm, meter.tokens].every(isNumber) &&
    (meter.skipped === undefined || isCount(meter.skipped)) &&
    (gradScaler === undefined || isScaler(gradScaler)) &&
    Array.isArray(meter.milliseconds) &&
    meter.milliseconds.every(isNumber)
  );
}

/** Says when to write: not so often that it costs, not so seldom that much is lost. */
export class CheckpointClock {
  #last: number;
  #cost = 0;

  /**
   * @param everySteps writes after so many steps; without it by time
   * @param now milliseconds
   */
  constructor(
    private readonly everySteps: number | undefined,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#last = now();
  }

  isDue(step: number): boolean {
    if (this.everySteps !== undefined) return step % this.everySteps === 0;
    // At most a twentieth of the time goes into writing.
    return this.now() - this.#last >= Math.max(60_000, 20 * this.#cost);
  }

  async time(write: () => Promise<void>): Promise<void> {
    const start = this.now();
    await write();
    this.#last = this.now();
    this.#cost = this.#last - start;
  }
}
