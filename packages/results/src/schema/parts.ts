/** Shapes that records of every kind have in common. */
import { map, number, text } from './shape.ts';

/** Lower case, so that two names never meet in one file on a disk that ignores case. */
export const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

export const name = text(NAME, 'a name of a-z, 0-9 and single . _ - between them');
export const fingerprint = text(/^[0-9a-f]{64}$/, 'a SHA-256 of 64 hexadecimal digits');
export const utcTime = text(
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/,
  'a UTC time like 2026-01-31T12:00:00.000Z',
);
export const metrics = map(number());
