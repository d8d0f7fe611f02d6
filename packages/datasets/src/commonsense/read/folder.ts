/** The commonsense sets from a folder, in LLM-Adapters' layout or a part of it. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { DataError } from '../../text.ts';
import type { Place } from './data.ts';
import { type Found, locate, lookedFor, titleOf, type Wanted } from './layouts.ts';

/** @throws DataError when the folder holds nothing of what is wanted */
export async function findInFolder(
  wanted: Wanted,
  folder: string,
): Promise<{ found: readonly Found[]; place: Place }> {
  const kind = statSync(folder, { throwIfNoEntry: false });
  if (kind === undefined)
    throw new DataError(`there is no ${folder}: name the folder of the commonsense sets`);
  const nameIn = (base: string): Place => ({
    folder: base,
    name: base,
    nameOf: (name) => path.join(base, name),
  });
  if (kind.isFile()) return { found: [{ path: path.basename(folder) }], place: nameIn(path.dirname(folder)) };
  const isFile = (name: string): boolean =>
    statSync(path.join(folder, name), { throwIfNoEntry: false })?.isFile() === true;
  const found = await locate(wanted, isFile);
  if (found.length === 0)
    throw new DataError(`no ${titleOf(wanted)} data in ${folder}: looked for ${lookedFor(wanted)}`);
  return { found, place: nameIn(folder) };
}
