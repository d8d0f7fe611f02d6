/** Answers of the Hub that are not the file, and what they mean. */
import { HubError, PassingFailure } from './errors.ts';
import { describe, type HubRepo, pageOf } from './names.ts';

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** A server that asks for a longer wait than this is not waited for. */
const LONGEST_WAIT_MS = 5 * 60_000;

export interface Asked {
  readonly repo: HubRepo;
  readonly file?: string | undefined;
  /** Whether the request that was refused carried a token. */
  readonly withToken: boolean;
}

/**
 * The error that an answer stands for. The Hub says 401 also for a repository that is not there, so as not to tell
 * strangers which private ones are.
 */
export function refusal(response: Response, asked: Asked): Error {
  const { repo, file, withToken } = asked;
  const what = describe(repo);
  const code = response.headers.get('x-error-code') ?? '';
  const said = response.headers.get('x-error-message') ?? '';
  const { status } = response;
  const type = `type (${repo.type})`;
  const failure = passing(response, what, 'the Hub');
  if (failure !== undefined) return failure;
  if (code === 'GatedRepo')
    return new HubError(
      withToken
        ? `${what} is gated and your account has no access (HTTP ${status}); accept its licence at ${pageOf(repo)}, and let the token read gated repositories`
        : `${what} is gated and needs a token: accept its licence at ${pageOf(repo)}, then set HF_TOKEN or run hf auth login`,
    );
  if (status === 404 && code === 'RevisionNotFound')
    return new HubError(
      `${what} has no revision "${repo.revision ?? 'main'}"; its branches and tags are listed at ${pageOf(repo)}/tree/main`,
    );
  if (status === 404 && code === 'EntryNotFound')
    return new HubError(
      `${what} has no ${file === undefined ? 'such file or folder' : `file "${file}"`} at revision "${repo.revision ?? 'main'}"; its files are listed at ${pageOf(repo)}/tree/main`,
    );
  if (status === 401 && withToken && code !== 'RepoNotFound')
    return new HubError(
      `the token was refused for ${what} (HTTP 401${quoted(said)}); it is wrong, expired or revoked: set HF_TOKEN to a valid one or run hf auth login`,
    );
  if (status === 401)
    return new HubError(
      `${what} needs a token: set HF_TOKEN or run hf auth login; the Hub answers the same (HTTP 401) when there is no such repository, so check name and ${type} too`,
    );
  if (status === 404 && code === 'RepoNotFound')
    return new HubError(
      `${what} is not on the Hub, or is private and ${withToken ? 'your token may not read it' : 'needs a token (HF_TOKEN)'} (HTTP 404); check name and ${type}`,
    );
  if (status === 403)
    return new HubError(
      `access to ${what} was refused (HTTP 403${quoted(said)}); accept its licence at ${pageOf(repo)}, or use a token that may read it`,
    );
  return new HubError(
    `the Hub answered HTTP ${status}${quoted(said)} for ${file === undefined ? what : `"${file}" of ${what}`}; check the name, or try again later`,
  );
}

/** The failure of a server that may do better later; undefined for an answer that will stay what it is. */
export function passing(response: Response, what: string, who: string): Error | undefined {
  const { status } = response;
  if (!PASSING.has(status)) return undefined;
  const waitMs = retryAfterMs(response.headers.get('retry-after'));
  if (waitMs !== undefined && waitMs > LONGEST_WAIT_MS)
    return new HubError(
      `${who} asks to wait ${Math.ceil(waitMs / 60_000)} minutes before ${what} is fetched (HTTP ${status}); run again then, it goes on where it stopped`,
    );
  return new PassingFailure(`HTTP ${status}${status === 429 ? ', too many requests' : ''}`, { waitMs });
}

/** Retry-After in seconds or as a date. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function quoted(said: string): string {
  const line = said
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200);
  return line === '' ? '' : `: "${line}"`;
}
