/** The environment variables that Hugging Face's own tools read, with the same meaning. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { HubError } from './errors.ts';

export interface HubSettings {
  /** The cache that Python's huggingface_hub uses too. */
  readonly cacheFolder: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Ends error messages when the endpoint is not the usual one. */
  readonly endpointNote: string;
  /** Names the proxy variable that is set, which fetch of Node 20 does not read. */
  readonly proxyNote: string;
  readonly token: string | undefined;
  /** The variable that forbids requests. */
  readonly offlineBy: string | undefined;
}

const HUB = 'https://huggingface.co';
const HF_DOWNLOAD = '; hf download fills the same cache';
const TRUE = new Set(['1', 'true', 'yes', 'on']);

/**
 * Reads the settings.
 * @throws HubError when HF_ENDPOINT is no http URL or the token holds characters that no token has
 */
export function hubSettings(environment: NodeJS.ProcessEnv): HubSettings {
  const value = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const isOn = (name: string): boolean => TRUE.has((value(name) ?? '').toLowerCase());
  const folder = (name: string): string | undefined => {
    const given = value(name);
    return given === undefined ? undefined : expandHome(given, environment);
  };
  const cacheRoot = folder('XDG_CACHE_HOME') ?? expandHome('~/.cache', environment);
  const home = folder('HF_HOME') ?? path.join(cacheRoot, 'huggingface');
  const given = value('HF_ENDPOINT');
  const proxy = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].find((name) => value(name));
  return {
    cacheFolder: path.resolve(
      folder('HF_HUB_CACHE') ?? folder('HUGGINGFACE_HUB_CACHE') ?? path.join(home, 'hub'),
    ),
    endpoint: given === undefined ? HUB : checkedEndpoint(given),
    endpointNote: given === undefined ? '' : ` (HF_ENDPOINT is set to ${given})`,
    proxyNote:
      proxy === undefined
        ? ''
        : ` (${proxy} is set: Node uses it from 22.21 or 24 on, with NODE_USE_ENV_PROXY=1${HF_DOWNLOAD})`,
    token: isOn('HF_HUB_DISABLE_IMPLICIT_TOKEN')
      ? undefined
      : (checkedToken('HF_TOKEN', value('HF_TOKEN')) ??
        checkedToken('HUGGING_FACE_HUB_TOKEN', value('HUGGING_FACE_HUB_TOKEN')) ??
        tokenFromFile(folder('HF_TOKEN_PATH') ?? path.join(home, 'token'))),
    offlineBy: ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'HF_DATASETS_OFFLINE'].find(isOn),
  };
}

/** For requests that do not go to the Hub: no endpoint is to blame, and no tool of the Hub's fills the cache. */
export function webSettings(environment: NodeJS.ProcessEnv): HubSettings {
  const settings = hubSettings(environment);
  return { ...settings, endpointNote: '', proxyNote: settings.proxyNote.replace(HF_DOWNLOAD, '') };
}

function expandHome(given: string, environment: NodeJS.ProcessEnv): string {
  if (given !== '~' && !given.startsWith('~/')) return given;
  return path.join(environment.HOME || homedir(), given.slice(1));
}

function checkedEndpoint(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search || url.hash)
    throw new HubError(`HF_ENDPOINT must be an http or https URL, got "${given}"; unset it to use ${HUB}`);
  if (url.username || url.password)
    throw new HubError('HF_ENDPOINT must not hold a user name or password; put a token into HF_TOKEN');
  return url.href.replace(/\/+$/, '');
}

function tokenFromFile(file: string): string | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return checkedToken(file, readFileSync(file, 'utf8').trim() || undefined);
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError(
      `cannot read the token file ${file} (${(error as NodeJS.ErrnoException).code}); make it readable or set HF_TOKEN`,
    );
  }
}

/** fetch quotes a header that it refuses, so a token that it would refuse must not get that far. */
function checkedToken(source: string, token: string | undefined): string | undefined {
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new HubError(`${source} holds spaces or characters that no token has; copy the token again`);
  return token;
}
