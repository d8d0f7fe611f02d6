/**
 * How records of earlier versions are read as the newest. A version is raised when a reader of the version before
 * would misread its records; a new optional field does not raise it. What a run's identity is made of stays as it was
 * written: its hash names the file. Settings that come to mean something else are another `protocol`.
 */
import { show } from './schema/shape.ts';
import { RecordError, SCHEMA_VERSION } from './schema.ts';

/** Makes of a record of one version one of the next. It gets a copy of its own, and sets `schemaVersion`. */
export type Migration = (record: Record<string, unknown>) => Record<string, unknown>;

/** By the version that a migration starts from. */
export type Migrations = Readonly<Record<number, Migration>>;

/** Version 1 is the first. */
export const MIGRATIONS: Migrations = {};

/**
 * A record as the newest version has it, one migration after another. Values that state no older version come back as
 * they are, for the check to judge.
 * @throws RecordError where a version has no migration, or a migration does not lead to the next version
 */
export function migrate(value: unknown, migrations: Migrations = MIGRATIONS): unknown {
  let current = value;
  for (;;) {
    const version = versionOf(current);
    if (version === undefined || version >= SCHEMA_VERSION) return current;
    const migration = migrations[version];
    if (migration === undefined)
      throw new RecordError(
        `schemaVersion: ${version} is not known; this code reads ${readable(migrations).join(', ')}`,
      );
    current = migration(structuredClone(current) as Record<string, unknown>);
    const reached = (current as { schemaVersion?: unknown }).schemaVersion;
    if (reached !== version + 1)
      throw new RecordError(
        `schemaVersion: the migration of version ${version} led to ${show(reached)}, not ${version + 1}`,
      );
  }
}

function versionOf(value: unknown): number | undefined {
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  return Number.isInteger(version) ? (version as number) : undefined;
}

function readable(migrations: Migrations): number[] {
  return [...Object.keys(migrations).map(Number), SCHEMA_VERSION];
}
