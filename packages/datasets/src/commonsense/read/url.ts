/** The commonsense sets from a web address, kept in a cache of their own. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { psoftCacheFolder } from '../../cacheFolder.ts';
import { replace } from '../../hub/cache.ts';
import type { Connection } from '../../hub/connection.ts';
import { HubError } from '../../hub/errors.ts';
import { type SessionOptions, withConnection } from '../../hub/session.ts';
import { webSettings } from '../../hub/settings.ts';
import { fetchWebFile, findWebFile, type WebFile, webBase } from '../../hub/web.ts';
import { DataError } from '../../text.ts';
import type { Place } from './data.ts';
import { type Found, locate, lookedFor, titleOf, type Wanted } from './layouts.ts';
import { COMMONSENSE_URL, publishedSum } from './published.ts';

/**
 * Brings what is wanted into the cache. What was fetched once is never asked for again: an address whose content may
 * change should name a commit.
 * @param url a folder's address, or that of one .json file
 * @returns also a way to drop it from the cache
 * @throws HubError when it cannot be had, DataError when there is nothing of what is wanted
 */
export async function findAtUrl(
  wanted: Wanted,
  url: string,
  options: SessionOptions,
): Promise<{ found: readonly Found[]; place: Place; forget: () => Promise<void> }> {
  const address = webBase(url);
  const slash = address.lastIndexOf('/');
  const file = address.endsWith('.json') ? fileName(address, slash + 1) : undefined;
  const base = file === undefined ? address : address.slice(0, slash);
  const environment = options.environment ?? process.env;
  const root = psoftCacheFolder('commonsense', environment);
  const folder = path.join(root, folderName(base));
  const list = path.join(folder, '.found', `${file ?? wanted}.json`);
  const place: Place = { folder, name: base, nameOf: (name) => `${base}/${name}` };
  const forget = async (): Promise<void> => {
    const files = ((await readList(list)) ?? []).map(({ path: name }) => path.join(folder, name));
    for (const one of [list, ...files]) await rm(one, { force: true });
  };

  const cached = await readList(list);
  if (cached?.every(({ path: name }) => existsSync(path.join(folder, name))))
    return { found: cached, place, forget };
  const settings = webSettings(environment);
  if (settings.offlineBy !== undefined)
    throw new HubError(
      `${titleOf(wanted)} data of ${address} is not in the cache at ${root} and ${settings.offlineBy} forbids requests; unset ${settings.offlineBy} once to download`,
    );
  const cache = { folder: root, variable: 'PSOFT_CACHE' };
  const found = await withConnection(options, settings, cache, async (connection) => {
    const located =
      file === undefined ? await locateAt(connection, base, wanted) : await named(connection, base, file);
    for (const { web } of located)
      await fetchWebFile(connection, base, web, {
        target: path.join(folder, web.path),
        sum: base === COMMONSENSE_URL ? publishedSum(wanted) : undefined,
        onProgress: options.onProgress,
      });
    const files = located.map(({ web: _, ...one }) => one);
    // Last, so that the files of the list are all there.
    await replace(list, (temporary) => writeFile(temporary, JSON.stringify(files)));
    return files;
  });
  return { found, place, forget };
}

/** @throws HubError for a name that would lead out of the cache's folder */
function fileName(address: string, at: number): string {
  try {
    const name = decodeURIComponent(address.slice(at));
    if (!/[\\/\0]/.test(name)) return name;
  } catch {
    // No name either: broken escapes.
  }
  throw new HubError(`expected the name of a file at the end of "${address}"`);
}

type Located = Found & { readonly web: WebFile };

async function named(connection: Connection, base: string, file: string): Promise<Located[]> {
  const web = await findWebFile(connection, base, file);
  if (web === undefined) throw new DataError(`there is no ${base}/${file}${hint(base)}`);
  return [{ path: file, web }];
}

async function locateAt(connection: Connection, base: string, wanted: Wanted): Promise<Located[]> {
  const known = new Map<string, WebFile>();
  const found = await locate(wanted, async (name) => {
    const web = await findWebFile(connection, base, name);
    if (web !== undefined) known.set(name, web);
    return web !== undefined;
  });
  if (found.length === 0)
    throw new DataError(
      `no ${titleOf(wanted)} data at ${base}: looked for ${lookedFor(wanted)}${hint(base)}`,
    );
  return found.map((one) => ({ ...one, web: known.get(one.path)! }));
}

const hint = (base: string): string =>
  new URL(base).host === 'github.com'
    ? '; GitHub serves files at https://raw.githubusercontent.com/OWNER/REPOSITORY/BRANCH'
    : '';

/** Tells addresses apart and still shows the host. */
const folderName = (base: string): string =>
  `${new URL(base).hostname.replace(/[^\w.-]/g, '_')}-${createHash('sha256').update(base).digest('hex').slice(0, 16)}`;

async function readList(list: string): Promise<Found[] | undefined> {
  try {
    const found = JSON.parse(await readFile(list, 'utf8')) as Found[];
    // What lies elsewhere was not written here, and must not be removed from here.
    return found.every(({ path: name }) => !/(^|[\\/])\.\.([\\/]|$)|^[\\/]|\0/.test(name))
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}
