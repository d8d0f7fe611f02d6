/** What `psoft results angles` measures of a run: small enough to be committed, so that a clone has Figures 9 and 10. */
import { fingerprint, name } from '../schema/parts.ts';
import { constant, type Infer, integer, list, number, object, optional, text } from '../schema/shape.ts';

export const ANGLES_VERSION = 1;

const part = object({
  /** Angles between the shown columns, degrees. */
  before: list(list(number(0))),
  after: list(list(number(0))),
  /** Over the columns looked at of all adapted modules. */
  change: object({
    pairs: integer(),
    largest: number(0),
    mean: number(0),
    largestNormChange: number(0),
    histogram: list(integer()),
  }),
});

const angles = object({
  schemaVersion: constant(ANGLES_VERSION),
  run: object({
    profile: name,
    experiment: name,
    task: name,
    method: name,
    variant: optional(name),
    seed: integer(),
    configHash: fingerprint,
  }),
  model: object({ name: text(), fingerprint }),
  /** Of the principal part. */
  rank: integer(1),
  modules: integer(1),
  /** Columns of a module that were looked at, at most. */
  columns: integer(2),
  /** Whose angles are shown one by one. */
  shown: object({ module: text(), columns: list(integer(), 2) }),
  /** W_pri, and it with the update of the weight: what the theorem speaks of. Figure 9. */
  principal: part,
  /** W, and the merged weight. Figure 10. */
  whole: part,
});

export type Angles = Infer<typeof angles>;
export type AnglesPart = Infer<typeof part>;

/** @throws Error of one line that begins with the JSON path */
export function checkAngles(value: unknown): Angles {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (Number.isInteger(version) && version !== ANGLES_VERSION)
    throw new Error(`schemaVersion: ${version} is not known; this code reads ${ANGLES_VERSION}`);
  const problem = angles.check(value, '');
  if (problem !== undefined) throw new Error(problem);
  return value as Angles;
}
