/** Requests to the Hub: where the token goes, how long is waited, what is tried again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '@psoft/engine/errors';
import { HubError, Mismatch, networkFailure, PassingFailure, UnreachableError } from './errors.ts';
import type { HubRepo } from './names.ts';
import { refusal } from './refusal.ts';
import type { HubSettings } from './settings.ts';

export interface Connection {
  readonly settings: HubSettings;
  readonly fetch: typeof fetch;
  /** Attempts after the first. */
  readonly retries: number;
  /** The first wait; each further one is twice as long. */
  readonly backoffMs: number;
  /** How long a connection may bring no data. */
  readonly timeoutMs: number;
  /** Whether a host that cannot be reached is tried again: not when the cache can serve instead. */
  readonly waitsForNetwork: boolean;
  readonly signal: AbortSignal | undefined;
  readonly note: (line: string) => void;
}

/** What a request is for, for messages. */
export interface Purpose {
  readonly repo: HubRepo;
  readonly file?: string;
}

const LONGEST_BACKOFF_MS = 30_000;
const MOST_REDIRECTS = 8;

/**
 * Sends one request and hands the answer on, whatever its status. Aborted when no data comes for `timeoutMs`: the
 * reader calls `patience.more()` at every piece and `patience.end()` at last.
 */
export async function send(connection: Connection, url: string, init: RequestInit, patience: Patience) {
  const { endpoint, token } = connection.settings;
  let target = new URL(url);
  let request = init;
  for (let hops = 0; ; hops++) {
    // Redirects are followed here, so that no fetch can carry the token to the host that a redirect leads to.
    const withToken = token !== undefined && target.origin === new URL(endpoint).origin;
    const headers = new Headers(request.headers);
    headers.delete('authorization');
    if (withToken) headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      const own: RequestInit = { ...request, headers, redirect: 'manual', signal: patience.signal };
      response = await connection.fetch(target.href, own);
    } catch (error) {
      throw patience.explain(networkFailure(error, target.host), target.host);
    }
    patience.more();
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null)
      return { response, withToken, host: target.host };
    await response.body?.cancel();
    const next = URL.canParse(location, target.href) ? new URL(location, target) : undefined;
    if (hops === MOST_REDIRECTS || next === undefined || !isSafeStep(target, next))
      throw new HubError(
        `${target.host} redirects ${hops === MOST_REDIRECTS ? 'without end' : `to "${next?.origin ?? location.slice(0, 100)}"`}, which is not followed; try again later or check HF_ENDPOINT`,
      );
    target = next;
    if (response.status === 303 && request.method === 'POST') {
      const { body: _body, ...rest } = request;
      request = { ...rest, method: 'GET' };
    }
  }
}

/** Only to web addresses, and never from an encrypted one to one in the clear. */
const isSafeStep = (from: URL, to: URL): boolean =>
  to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:');

/** fetch for the Hub's JSON interface as `@huggingface/hub` takes it: only good answers, read to their end. */
export function apiFetch(connection: Connection, purpose: Purpose): typeof fetch {
  return async (input, init = {}) => {
    const patience = new Patience(connection);
    try {
      const { response, withToken, host } = await send(connection, String(input), init, patience);
      if (!response.ok) {
        await response.body?.cancel();
        throw refusal(response, { ...purpose, withToken });
      }
      const pieces: Uint8Array[] = [];
      try {
        for await (const piece of response.body ?? []) {
          pieces.push(piece);
          patience.more();
        }
      } catch (error) {
        throw patience.explain(networkFailure(error, host), host);
      }
      return new Response(Buffer.concat(pieces), { status: response.status, headers: response.headers });
    } finally {
      patience.end();
    }
  };
}

/** Ends a request that brings nothing for too long, or that the caller no longer wants. */
export class Patience {
  readonly signal: AbortSignal;
  private readonly connection: Connection;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(connection: Connection) {
    this.connection = connection;
    this.timer = setTimeout(() => this.controller.abort(), connection.timeoutMs);
    const { signal } = connection;
    this.signal =
      signal === undefined ? this.controller.signal : AbortSignal.any([signal, this.controller.signal]);
  }

  more(): void {
    this.timer.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  /** Names the true cause of an error that an abort brought about. */
  explain(error: Error, host: string, gained = false): Error {
    const { signal, timeoutMs } = this.connection;
    if (signal?.aborted) return signal.reason;
    if (this.controller.signal.aborted)
      return new PassingFailure(`no data from ${host} for ${timeoutMs / 1000} s`, { gained });
    return error;
  }
}

/**
 * Makes attempts until one succeeds or the failure is for good. An attempt that brought data starts the count anew: a
 * long download over a poor line goes on as long as it moves.
 * @throws HubError that says how often it was tried and why the last attempt failed
 */
export async function withRetries<T>(
  connection: Connection,
  what: string,
  attempt: () => Promise<T>,
): Promise<T> {
  const { retries, backoffMs, waitsForNetwork, signal, settings, note } = connection;
  let inVain = 0;
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof HubError)
        throw settings.endpointNote === '' ? error : new HubError(`${error.message}${settings.endpointNote}`);
      if (!(error instanceof PassingFailure)) throw error;
      inVain = error.gained ? 1 : inVain + 1;
      if (inVain > retries || (error.unreachable && !waitsForNetwork)) {
        const Kind = error.unreachable ? UnreachableError : HubError;
        throw new Kind(
          `${what} failed after ${attempts} attempt${attempts === 1 ? '' : 's'}, the last because ${error.message}${settings.endpointNote}; check the connection${error.unreachable ? settings.proxyNote : ''} and run again, it goes on where it stopped`,
        );
      }
      const backoff = Math.min(backoffMs * 2 ** (inVain - 1), LONGEST_BACKOFF_MS) * (0.5 + Math.random() / 2);
      const waitMs = Math.max(error.waitMs ?? 0, backoff);
      note(
        `${what}: ${error.message}; trying again in ${(waitMs / 1000).toFixed(1)} s (${inVain} of ${retries})`,
      );
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  }
}

/** Runs a function of `@huggingface/hub`, which says of an answer that is no Hub's what its parser says. */
export async function ask<T>(connection: Connection, what: string, call: () => Promise<T>): Promise<T> {
  return withRetries(connection, what, async () => {
    try {
      return await call();
    } catch (error) {
      const isOurs = [HubError, PassingFailure, Mismatch].some((kind) => error instanceof kind);
      if (isOurs || connection.signal?.aborted) throw error;
      throw new HubError(
        `${what}: the answer is not one of a Hub (${reasonOf(error)}); a proxy or sign-in page may stand between`,
      );
    }
  });
}
