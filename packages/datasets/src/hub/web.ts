/** Files below a web address that is no Hub: a plain server, which answers HEAD and GET. */
import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type Connection, Patience, send, withRetries } from './connection.ts';
import { HubError } from './errors.ts';
import { passing } from './refusal.ts';
import { type Transfer, transferFile } from './transfer.ts';

/** A file as its server describes it. */
export interface WebFile {
  /** Below the base, with `/` between the parts. */
  readonly path: string;
  readonly size: number;
  /** What changes with the content: the entity tag, or the time of the last change; undefined where neither is told. */
  readonly tag: string | undefined;
}

const ABSENT = new Set([404, 410]);
/** A compressed answer could be neither measured nor resumed. */
const HEADERS = { 'accept-encoding': 'identity' };

/**
 * The base of a web folder, without a slash at its end.
 * @throws HubError for what is no plain http or https address
 */
export function webBase(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new HubError(`expected an http or https address, got "${given}"`);
  if (url.username || url.password)
    throw new HubError(`the address of ${url.host} must not hold a user name or password; leave them out`);
  if (url.search || url.hash)
    throw new HubError(`expected the address of a folder, got "${given}"; leave out all from "?" or "#" on`);
  return url.href.replace(/\/+$/, '');
}

/**
 * What the server says of a file, without fetching it.
 * @returns undefined where there is no such file
 * @throws HubError when the server refuses or cannot be reached, or does not say how long the file is
 */
export async function findWebFile(
  connection: Connection,
  base: string,
  path: string,
): Promise<WebFile | undefined> {
  return withRetries(connection, `looking for "${path}" at ${base}`, async () => {
    const patience = new Patience(connection);
    try {
      const { response } = await send(
        connection,
        urlOf(base, path),
        { method: 'HEAD', headers: HEADERS },
        patience,
      );
      await response.body?.cancel();
      if (ABSENT.has(response.status)) return undefined;
      if (!response.ok) throw refusal(response, base, path);
      const { headers } = response;
      const length = headers.get('content-length');
      if (length === null || headers.has('content-encoding'))
        throw new HubError(
          `${urlOf(base, path)} does not say how long the file is; download it yourself and name its folder`,
        );
      return {
        path,
        size: Number(length),
        tag: headers.get('etag') ?? headers.get('last-modified') ?? undefined,
      };
    } finally {
      patience.end();
    }
  });
}

/**
 * Brings a file to its target; an earlier run's part of the same content is continued.
 * @param sum that the content must have: SHA-256, or git's SHA-1; undefined where nobody knows it
 * @throws HubError when it cannot be had or is not what it must be
 */
export async function fetchWebFile(
  connection: Connection,
  base: string,
  { path, size, tag }: WebFile,
  place: Pick<Transfer, 'target' | 'sum' | 'onProgress'>,
): Promise<void> {
  const content = place.sum ?? tag;
  // Without a name for its content, a part that was left behind could be of another one.
  const key =
    content === undefined ? randomUUID() : createHash('sha256').update(`${size} ${content}`).digest('hex');
  const partial = `${place.target}.${key.slice(0, 16)}.incomplete`;
  try {
    await transferFile({
      ...place,
      connection,
      file: path,
      owner: base,
      url: urlOf(base, path),
      size,
      partial,
      lock: `${place.target}.holder`,
      refuse: (response) => refusal(response, base, path),
    });
  } finally {
    if (content === undefined) await rm(partial, { force: true });
  }
}

const urlOf = (base: string, path: string): string =>
  `${base}/${path.split('/').map(encodeURIComponent).join('/')}`;

function refusal(response: Response, base: string, path: string): Error {
  const url = urlOf(base, path);
  const failure = passing(response, url, new URL(base).host);
  if (failure !== undefined) return failure;
  const { status } = response;
  return new HubError(
    status === 401 || status === 403
      ? `access to ${url} was refused (HTTP ${status}); take an address that needs no sign-in, or download the files yourself and name their folder`
      : `${url} was answered with HTTP ${status}; check the address, or download the files yourself and name their folder`,
  );
}
