/** The commonsense sets from a data set on the Hub that holds LLM-Adapters' files. */
import type { HubData } from '../../glue/hub.ts';
import { fetchSnapshot } from '../../hub/index.ts';
import type { SessionOptions } from '../../hub/session.ts';
import { DataError } from '../../text.ts';
import type { Place } from './data.ts';
import { type Found, locate, lookedFor, partPaths, titleOf, type Wanted, wholePaths } from './layouts.ts';

/** @throws HubError when it cannot be had, DataError when the data set holds nothing of what is wanted */
export async function findOnHub(
  wanted: Wanted,
  data: HubData,
  options: SessionOptions,
): Promise<{ found: readonly Found[]; place: Place }> {
  const fetch = (optional: readonly string[], revision = data.revision) =>
    fetchSnapshot(
      { type: 'dataset', name: data.name, ...(revision === undefined ? {} : { revision }) },
      { ...options, files: [], optional },
    );
  let snapshot = await fetch(wholePaths(wanted));
  // The sets' own training files are large: fetched only where they are needed.
  if (snapshot.files.length === 0 && wanted === 'training')
    snapshot = await fetch(partPaths(), snapshot.commit);
  const { files, folder, commit } = snapshot;
  const found = await locate(wanted, (name) => files.includes(name));
  if (found.length === 0)
    throw new DataError(
      `dataset "${data.name}" has no ${titleOf(wanted)} data at commit ${commit}: looked for ${lookedFor(wanted)}`,
    );
  const name = `${data.name}@${commit.slice(0, 8)}`;
  return { found, place: { folder, name, nameOf: (file) => `${name} ${file}`, commit } };
}
