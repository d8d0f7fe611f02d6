/**
 * A Hub on loopback: the endpoints that downloads use, with a second port as the content network that redirects lead
 * to, a third as a plain web server, and faults that a test puts in the way. Every request is written down.
 */
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface HostedFile {
  readonly content: Buffer;
  /** Large files are kept elsewhere and named by SHA-256; small ones by git's SHA-1. */
  readonly isLarge: boolean;
}

export interface HostedRepo {
  readonly commit: string;
  readonly refs: Record<string, string>;
  readonly files: Record<string, HostedFile>;
}

type ServerName = 'hub' | 'cdn' | 'web';

export interface Seen {
  readonly server: ServerName;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly status: () => number;
  /** Bytes of content that were sent. */
  sent: number;
}

/** What happens to a request instead of the right answer; calling `proceed` gives that after all. */
export type Fault = (exchange: Exchange, proceed: () => Promise<void>) => void | Promise<void>;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly seen: Seen;
  /** Settings that the right answer obeys. */
  readonly bend: Bend;
}

export interface Bend {
  /** Breaks the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Goes silent after so many bytes of the body. */
  stallAfter?: number;
  /** Sends the body in pieces of 1 kB with such a pause between. */
  dripMs?: number;
  ignoreRange?: boolean;
  content?: Buffer;
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
export const gitSha1 = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
export const etagOf = ({ content, isLarge }: HostedFile): string => (isLarge ? sha256 : gitSha1)(content);

export const small = (text: string): HostedFile => ({ content: Buffer.from(text), isLarge: false });
/** A large file of bytes that differ everywhere, so that a piece in the wrong place shows. */
export function large(bytes: number, seed = 1): HostedFile {
  const content = Buffer.alloc(bytes);
  let state = seed;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    content[i] = state >>> 16;
  }
  return { content, isLarge: true };
}

export class FakeHub {
  readonly repos: Record<string, HostedRepo> = {};
  /** What the plain web server has, by path. */
  readonly pages: Record<string, HostedFile> = {};
  readonly requests: Seen[] = [];
  endpoint = '';
  webUrl = '';
  /** Whether the client has so many bytes of a file on its disk. */
  hasReceived: (file: HostedFile, bytes: number) => boolean = () => true;
  private cdnUrl = '';
  private readonly faults: { match: RegExp; fault: Fault; left: number }[] = [];
  private readonly servers: Server[] = [];

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    hub.endpoint = await hub.listen('hub');
    hub.cdnUrl = await hub.listen('cdn');
    hub.webUrl = await hub.listen('web');
    return hub;
  }

  async stop(): Promise<void> {
    for (const server of this.servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** `key` is as in URLs: `models/org/name` or `datasets/org/name`. */
  host(key: string, files: Record<string, HostedFile>, commit = 'c0ffee'.padEnd(40, '0')): HostedRepo {
    this.repos[key] = { commit, refs: { main: commit }, files };
    return this.repos[key];
  }

  /** Puts a fault in the way of the next `times` requests whose "METHOD server path" matches. */
  inject(match: RegExp, fault: Fault, times = 1): void {
    this.faults.push({ match, fault, left: times });
  }

  /** "METHOD server path" of every request so far. */
  log(): string[] {
    return this.requests.map(lineOf);
  }

  private async listen(name: ServerName): Promise<string> {
    const server = createServer((request, response) => {
      this.answer(name, request, response).catch((error) => response.destroy(error));
    });
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  private async answer(server: ServerName, request: IncomingMessage, response: ServerResponse) {
    const { method = '', url = '', headers } = request;
    const seen: Seen = { server, method, url, headers, sent: 0, status: () => response.statusCode };
    this.requests.push(seen);
    const exchange: Exchange = { request, response, seen, bend: {} };
    const proceed = () => this[server](exchange);
    const entry = this.faults.find(({ match, left }) => left > 0 && match.test(lineOf(seen)));
    if (entry === undefined) return proceed();
    entry.left--;
    await entry.fault(exchange, proceed);
  }

  private async hub(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const url = new URL(request.url ?? '', this.endpoint);
    const key = /^\/(?:api\/)?((?:models\/|datasets\/)?[^/]+\/[^/]+)/.exec(url.pathname)?.[1] ?? '';
    const name = /^(models|datasets)\//.test(key) ? key : `models/${key}`;
    const repo = this.repos[name];
    if (repo === undefined) return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    const [, verb, , rest] =
      /\/(revision|tree|paths-info|resolve)\/([^/]+)(?:\/(.*))?$/.exec(url.pathname.slice(key.length)) ?? [];
    const revision = decodeURIComponent(
      /\/(?:revision|tree|paths-info|resolve)\/([^/]+)/.exec(url.pathname.slice(key.length))?.[1] ?? '',
    );
    const commit = repo.refs[revision] ?? (revision === repo.commit ? revision : undefined);
    if (commit === undefined) return refuse(response, 404, 'RevisionNotFound', 'Invalid rev id');
    if (verb === 'revision')
      return json(response, { _id: 'x', id: name.slice(name.indexOf('/') + 1), sha: commit });
    if (verb === 'tree') {
      const folder = rest === undefined || rest === '' ? '' : `${decodeURIComponent(rest)}/`;
      const paths = Object.keys(repo.files).filter((path) => path.startsWith(folder));
      if (paths.length === 0) return refuse(response, 404, 'EntryNotFound', 'Not found');
      // One entry a page, so that pages are followed.
      const at = Number(url.searchParams.get('cursor') ?? 0);
      url.searchParams.set('cursor', String(at + 1));
      if (at + 1 < paths.length) response.setHeader('link', `<${url.href}>; rel="next"`);
      return json(response, [entryOf(paths[at]!, repo.files[paths[at]!]!)]);
    }
    if (verb === 'paths-info') {
      const { paths } = JSON.parse(await bodyOf(request)) as { paths: string[] };
      return json(
        response,
        paths.flatMap((path) => (repo.files[path] === undefined ? [] : [entryOf(path, repo.files[path])])),
      );
    }
    const file = repo.files[decodeURIComponent(rest ?? '')];
    if (file === undefined) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    response.setHeader('x-repo-commit', commit);
    if (!file.isLarge) return sendContent(exchange, file, this.hasReceived);
    response.setHeader('x-linked-etag', `"${sha256(file.content)}"`);
    response.setHeader('x-linked-size', file.content.length);
    response.writeHead(302, { location: `${this.cdnUrl}/${name}/${sha256(file.content)}?signature=secret` });
    response.end();
  }

  private async cdn(exchange: Exchange): Promise<void> {
    const sum = /([0-9a-f]{64})/.exec(exchange.request.url ?? '')?.[1];
    const files = Object.values(this.repos).flatMap((repo) => Object.values(repo.files));
    const file = files.find((other) => other.isLarge && sha256(other.content) === sum);
    if (file === undefined) return refuse(exchange.response, 404, '', 'gone');
    await sendContent(exchange, file, this.hasReceived);
  }

  private async web(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const file = this.pages[decodeURIComponent(request.url ?? '')];
    if (file === undefined) return void response.writeHead(404).end('<html>not here</html>');
    if (request.method === 'HEAD')
      return void response
        .writeHead(200, { etag: `"${etagOf(file)}"`, 'content-length': file.content.length })
        .end();
    await sendContent(exchange, file, this.hasReceived);
  }
}

const lineOf = ({ method, server, url }: Seen): string => `${method} ${server} ${url.split('?')[0]}`;

const entryOf = (path: string, file: HostedFile) => ({
  type: 'file',
  path,
  size: file.content.length,
  oid: file.isLarge ? gitSha1(Buffer.from(`pointer to ${sha256(file.content)}`)) : gitSha1(file.content),
  ...(file.isLarge && { lfs: { oid: sha256(file.content), size: file.content.length, pointerSize: 134 } }),
});

async function sendContent(
  { request, response, seen, bend }: Exchange,
  file: HostedFile,
  hasReceived: FakeHub['hasReceived'],
): Promise<void> {
  const content = bend.content ?? file.content;
  const range = bend.ignoreRange ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const from = Number(range?.[1] ?? 0);
  if (from >= content.length && range) return void response.writeHead(416).end();
  if (range) response.setHeader('content-range', `bytes ${from}-${content.length - 1}/${content.length}`);
  const headers = { etag: `"${etagOf(file)}"`, 'content-length': content.length - from };
  response.writeHead(range ? 206 : 200, headers);
  const { cutAfter = Number.POSITIVE_INFINITY, stallAfter = Number.POSITIVE_INFINITY, dripMs } = bend;
  const body = content.subarray(from, from + Math.min(cutAfter, stallAfter));
  const step = dripMs === undefined ? 16_384 : 1024;
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    const piece = body.subarray(at, at + step);
    await new Promise((resolve) => response.write(piece, resolve));
    seen.sent += piece.length;
    if (dripMs !== undefined) await sleep(dripMs);
  }
  if (from + body.length === content.length) return void response.end();
  if (cutAfter === Number.POSITIVE_INFINITY) return;
  // A client that hears of the break drops what it has not read yet, so it is let read first.
  for (let waits = 0; waits < 400 && !hasReceived(file, from + body.length); waits++) await sleep(5);
  response.destroy();
}

/** An error answer as the Hub gives it. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(code !== '' && { 'x-error-code': code }),
    'x-error-message': message,
    ...headers,
  });
  response.end(JSON.stringify({ error: message }));
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
