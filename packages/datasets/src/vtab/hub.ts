/** VTAB-1K from the Hugging Face Hub: a data set for each task, parquet files with embedded images. */
import path from 'node:path';
import type { HubData } from '../glue/hub.ts';
import { fetchSnapshot, type HubOptions } from '../hub/index.ts';
import type { ImageSplit } from '../images/dataset.ts';
import { readVtabParquet, type VtabOptions, type VtabSplit } from './folder.ts';

const SPLITS: readonly VtabSplit[] = ['train', 'validation', 'test'];

/**
 * All splits of a task, downloaded where the cache lacks them.
 * @returns the splits, and the commit that they are of
 * @throws HubError, or DataError for files that are not as they should be
 */
export async function readVtabFromHub(
  data: HubData,
  options: VtabOptions & Pick<HubOptions, 'onNote' | 'onProgress' | 'environment'>,
): Promise<{ splits: Record<VtabSplit, ImageSplit>; commit: string }> {
  const { onNote, onProgress, environment } = options;
  const snapshot = await fetchSnapshot(
    { type: 'dataset', ...data },
    {
      files: SPLITS.map((split) => `data/${split}-*.parquet`),
      ...(onNote === undefined ? {} : { onNote }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(environment === undefined ? {} : { environment }),
    },
  );
  const splits: Partial<Record<VtabSplit, ImageSplit>> = {};
  for (const split of SPLITS) {
    const files = snapshot.files.filter((file) => file.startsWith(`data/${split}-`)).sort();
    const source = `${data.name}@${snapshot.commit.slice(0, 8)} ${split}`;
    splits[split] = await readVtabParquet(
      files.map((file) => path.join(snapshot.folder, file)),
      source,
      options,
    );
  }
  return { splits: splits as Record<VtabSplit, ImageSplit>, commit: snapshot.commit };
}
