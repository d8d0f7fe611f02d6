/** What can go wrong between us and the Hub, and how it is said. */

import { LineError } from '@psoft/engine/errors';

/** A download that cannot be done: one line saying what was wrong, the value seen and what to do. */
export class HubError extends LineError {
  override readonly name = 'HubError';
}

/** A failure that may pass by itself, so that the request is made again. Never leaves the hub folder. */
export class PassingFailure extends Error {
  override readonly name = 'PassingFailure';
  /** The wait that the server asked for. */
  readonly waitMs: number | undefined;
  /** No connection came about at all: the machine is perhaps offline. */
  readonly unreachable: boolean;
  /** The attempt brought data before it failed, so it does not count as one in vain. */
  readonly gained: boolean;

  constructor(
    reason: string,
    details: { waitMs?: number | undefined; unreachable?: boolean; gained?: boolean } = {},
  ) {
    super(reason);
    this.waitMs = details.waitMs;
    this.unreachable = details.unreachable ?? false;
    this.gained = details.gained ?? false;
  }
}

/** The Hub could not be reached, however often it was tried: what lies in the cache may still serve. */
export class UnreachableError extends HubError {}

/** Received bytes that are not the file that the Hub's metadata describes. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

const UNREACHABLE = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ENETDOWN',
]);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS/;

/** Sorts what fetch threw: a failure that may pass, or an error for good. */
export function networkFailure(error: unknown, host: string, gained = false): Error {
  if (!(error instanceof Error) || error instanceof HubError || error instanceof PassingFailure)
    return error as Error;
  const cause = (error.cause ?? error) as { code?: unknown; message?: string };
  const code = typeof cause.code === 'string' ? cause.code : undefined;
  if (code !== undefined && CERTIFICATE.test(code))
    return new HubError(
      `the certificate of ${host} is not trusted (${code}); behind a company proxy, name its certificate in NODE_EXTRA_CA_CERTS`,
    );
  if (code !== undefined && UNREACHABLE.has(code))
    return new PassingFailure(`${host} cannot be reached (${code})`, { unreachable: true, gained });
  return new PassingFailure(`the connection to ${host} broke (${code ?? cause.message ?? error.message})`, {
    gained,
  });
}
