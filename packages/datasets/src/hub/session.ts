/** A connection as a caller wants it, and its failures as a caller should see them. */
import type { Connection } from './connection.ts';
import { HubError } from './errors.ts';
import type { HubSettings } from './settings.ts';

export interface SessionOptions {
  /** Where HF_HOME, HF_TOKEN and their like are read; the process's own when left out. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Bytes of a file that are on disk, of its total. Not called for what the cache holds. */
  readonly onProgress?: (progress: { file: string; done: number; total: number }) => void;
  /** What the user should know though it is no error: waits, new attempts, the cache used for want of a network. */
  readonly onNote?: (line: string) => void;
  /** Attempts after a failed one; 5 when left out. */
  readonly retries?: number;
  /** The wait before the second attempt; 500 when left out. */
  readonly backoffMs?: number;
  /** How long a connection may bring no data; 30 000 when left out. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

/** The folder that downloads go to, and the variable that names another. */
export interface CachePlace {
  readonly folder: string;
  readonly variable: string;
}

/**
 * Does work that sends requests.
 * @throws HubError when it cannot be done, without the token in it; the signal's reason when aborted
 */
export async function withConnection<T>(
  options: SessionOptions,
  settings: HubSettings,
  cache: CachePlace,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { token } = settings;
  // No message is made of the token, but a server may send back what it got.
  const hide = (line: string): string => (token === undefined ? line : line.replaceAll(token, '<token>'));
  const connection: Connection = {
    settings,
    fetch: options.fetch ?? fetch,
    retries: options.retries ?? 5,
    backoffMs: options.backoffMs ?? 500,
    timeoutMs: options.timeoutMs ?? 30_000,
    waitsForNetwork: true,
    signal: options.signal,
    note: (line) => options.onNote?.(hide(line)),
  };
  try {
    return await work(connection);
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof HubError) throw new HubError(hide(error.message));
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new HubError(
      `the cache folder ${cache.folder} cannot be used (${code} at ${syscall}); make room or set ${cache.variable} to another folder`,
    );
  }
}
