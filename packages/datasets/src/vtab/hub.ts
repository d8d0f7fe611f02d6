/** VTAB-1K from the Hugging Face Hub: a data set for each task, parquet files with embedded images. */
import path from 'node:path';
import type { HubData } from '../glue/hub.ts';
import { fetchSnapshot, type HubOptions } from '../hub/index.ts';
import type { ImageSplit } from '../images/dataset.ts';
import { DataError } from '../text.ts';
import { readVtabParquet, VTAB_SPLITS, type VtabOptions, type VtabSplit } from './folder.ts';
import { shardsOf } from './shards.ts';

/** Where `datasets` puts files, the top, and where the Hub's conversion (revision `refs/convert/parquet`) puts them. */
const FOLDERS = ['data', '', 'default'];

/**
 * Splits of a task, downloaded where the cache lacks them.
 * @param wanted all when left out
 * @returns the splits, and the commit that they are of
 * @throws HubError, or DataError for files that are not as they should be
 */
export async function readVtabFromHub<Split extends VtabSplit = VtabSplit>(
  data: HubData,
  options: VtabOptions & Pick<HubOptions, 'onNote' | 'onProgress' | 'environment'>,
  wanted: readonly Split[] = VTAB_SPLITS as readonly VtabSplit[] as readonly Split[],
): Promise<{ splits: Record<Split, ImageSplit>; commit: string }> {
  const { onNote, onProgress, environment } = options;
  const snapshot = await fetchSnapshot(
    { type: 'dataset', ...data },
    {
      files: [],
      // Which of them a data set has is known when it is listed: one of each split's must be there, see below.
      optional: wanted.flatMap((split) => [`**/${split}-*.parquet`, `**/${split}/*.parquet`]),
      ...(onNote === undefined ? {} : { onNote }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(environment === undefined ? {} : { environment }),
    },
  );
  // Before any is decoded.
  const shards = wanted.map((split) => {
    const found = shardsOf(snapshot.files, FOLDERS, [split]);
    if (found.length > 0) return found;
    const has = snapshot.files.length === 0 ? 'no parquet file of a split' : snapshot.files.join(', ');
    throw new DataError(
      `dataset "${data.name}" has no ${split} split at commit ${snapshot.commit}: expected data/${split}-*.parquet or ${split}/*.parquet, found ${has}; see https://huggingface.co/datasets/${data.name}/tree/${snapshot.commit}, or connect to the network if this is the cache`,
    );
  });
  const splits: Partial<Record<Split, ImageSplit>> = {};
  for (const [i, split] of wanted.entries()) {
    const files = shards[i]!.map((file) => path.join(snapshot.folder, file));
    const source = `${data.name}@${snapshot.commit.slice(0, 8)} ${split}`;
    splits[split] = await readVtabParquet(files, source, options);
  }
  return { splits: splits as Record<Split, ImageSplit>, commit: snapshot.commit };
}
