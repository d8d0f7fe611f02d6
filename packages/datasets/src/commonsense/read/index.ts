/** The commonsense sets in LLM-Adapters' JSON form, from wherever they lie. */
import type { HubData } from '../../glue/hub.ts';
import type { SessionOptions } from '../../hub/session.ts';
import { DataError } from '../../text.ts';
import type { CommonsenseSetName } from '../sets.ts';
import { type CommonsenseData, readFound } from './data.ts';
import { findInFolder } from './folder.ts';
import { findOnHub } from './hub.ts';
import type { Wanted } from './layouts.ts';
import { COMMONSENSE_URL } from './published.ts';
import { findAtUrl } from './url.ts';

/**
 * A folder or one file on this machine; the address of such a folder or file; a data set on the Hub. Within it the files
 * lie as in LLM-Adapters' repository, or as in its `dataset` or in one set's own folder.
 */
export type CommonsenseSource =
  | { readonly folder: string }
  | { readonly url: string }
  | { readonly hub: HubData };

/**
 * The test questions of a set.
 * @param from a source; text is a folder's name
 * @throws DataError for data that is absent or not as it should be; HubError when it cannot be downloaded
 */
export const readCommonsenseSet = (
  set: CommonsenseSetName,
  from: string | CommonsenseSource,
  options: SessionOptions = {},
): Promise<CommonsenseData> => read(set, from, options);

/**
 * What is trained on: commonsense_15k.json or train.json, and where there is neither, the sets' own training files
 * joined in the sets' order, which the source and the note then say.
 * @param from as of {@link readCommonsenseSet}
 * @throws as {@link readCommonsenseSet}
 */
export const readCommonsenseTraining = (
  from: string | CommonsenseSource,
  options: SessionOptions = {},
): Promise<CommonsenseData> => read('training', from, options);

async function read(
  wanted: Wanted,
  from: string | CommonsenseSource,
  options: SessionOptions,
): Promise<CommonsenseData> {
  const source = typeof from === 'string' ? { folder: from } : from;
  if ('url' in source) return readUrl(wanted, source.url, options);
  const { found, place } =
    'hub' in source
      ? await findOnHub(wanted, source.hub, options)
      : await findInFolder(wanted, source.folder);
  return readFound(wanted, found, place);
}

async function readUrl(wanted: Wanted, url: string, options: SessionOptions): Promise<CommonsenseData> {
  const { found, place, forget } = await findAtUrl(wanted, url, options);
  try {
    const data = await readFound(wanted, found, place);
    if (place.name === COMMONSENSE_URL && !data.isPublished)
      throw new DataError(`${data.note}, and did not when it was downloaded`);
    return data;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // What cannot be read must not be found by the next run.
    await forget();
    throw new DataError(`${error.message} (downloaded from ${place.name}; it is dropped from the cache)`);
  }
}
