/** Refusals and settings: each tells the user what to do, and none tells anyone the token. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { retryAfterMs } from '../../src/hub/refusal.ts';
import { hubSettings } from '../../src/hub/settings.ts';
import { type Fault, large, refuse, small } from './server.ts';
import { MODEL, TOKEN, useSetting } from './setting.ts';

const setting = useSetting();
const withToken = () => ({ environment: { ...setting.environment, HF_TOKEN: TOKEN } });
const answer =
  (status: number, code: string, message: string): Fault =>
  ({ response }) =>
    refuse(response, status, code, message);

beforeEach(() => {
  setting.hub.host('models/org/tiny', { 'config.json': small('{}'), 'model.safetensors': large(3000) });
});

describe('what is not there', () => {
  it('is told apart: repository, revision, file', async () => {
    expect(await setting.failure(['x'], {}, { type: 'dataset', name: 'org/tiny' })).toMatch(
      /^dataset "org\/tiny" is not on the Hub, or is private and needs a token \(HF_TOKEN\) \(HTTP 404\); check name and type \(dataset\)/,
    );
    expect(await setting.failure(['x'], withToken(), { type: 'model', name: 'org/none' })).toMatch(
      /^model "org\/none" is not on the Hub, or is private and your token may not read it/,
    );
    expect(await setting.failure(['x'], {}, { ...MODEL, revision: 'v9' })).toMatch(
      /^model "org\/tiny" has no revision "v9"; its branches and tags are listed at https:\/\/huggingface.co\/org\/tiny/,
    );
    expect(await setting.failure(['x'])).toMatch(/^model "org\/tiny" has no file "x" at commit c0ffee0/);
    setting.hub.inject(/resolve/, answer(404, 'EntryNotFound', 'gone'));
    expect(await setting.failure(['config.json'])).toMatch(
      /^model "org\/tiny" has no file "config.json" at revision "main"/,
    );
    expect(setting.notes).toEqual([]);
  });
});

describe('what is refused', () => {
  it('without a token asks for one', async () => {
    setting.hub.inject(/revision/, answer(401, '', 'Invalid username or password.'));
    expect(await setting.failure(['x'])).toMatch(
      /^model "org\/tiny" needs a token: set HF_TOKEN or run hf auth login; the Hub answers the same \(HTTP 401\) when there is no such repository/,
    );
  });

  it('with a token asks for a valid one', async () => {
    setting.hub.inject(/revision/, answer(401, '', 'Invalid credentials in Authorization header'));
    expect(await setting.failure(['x'], withToken())).toMatch(
      /^the token was refused for model "org\/tiny" \(HTTP 401: "Invalid credentials in Authorization header"\); it is wrong, expired or revoked/,
    );
  });

  it('for want of a licence names the page where to accept it', async () => {
    setting.hub.inject(/resolve/, answer(401, 'GatedRepo', 'Access is restricted'));
    expect(await setting.failure(['config.json'])).toMatch(
      /^model "org\/tiny" is gated and needs a token: accept its licence at https:\/\/huggingface.co\/org\/tiny, then/,
    );
    setting.hub.inject(/resolve/, answer(403, 'GatedRepo', 'Access is restricted'));
    expect(await setting.failure(['config.json'], withToken())).toMatch(
      /^model "org\/tiny" is gated and your account has no access \(HTTP 403\); accept its licence at https:\/\/huggingface.co\/org\/tiny, and/,
    );
    setting.hub.inject(/revision/, answer(403, '', 'no'));
    expect(await setting.failure(['config.json'])).toMatch(
      /^access to model "org\/tiny" was refused \(HTTP 403: "no"\)/,
    );
  });

  it('for a reason of its own is quoted', async () => {
    setting.hub.inject(/revision/, answer(451, '', 'Access to this resource is disabled.'));
    expect(await setting.failure(['x'])).toContain(
      'HTTP 451: "Access to this resource is disabled." for model "org/tiny"',
    );
    expect(setting.hub.requests).toHaveLength(1);
  });
});

describe('the token', () => {
  it('goes to the endpoint and nowhere else', async () => {
    await setting.fetch(['config.json', 'model.safetensors'], withToken());
    for (const { server, headers } of setting.hub.requests) {
      if (server === 'hub') expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
      else expect(JSON.stringify(headers)).not.toContain(TOKEN);
    }
    expect(setting.hub.requests.some(({ server }) => server === 'cdn')).toBe(true);
  });

  it('stays with the endpoint when a listing goes on elsewhere', async () => {
    const elsewhere = await (await import('./server.ts')).FakeHub.start();
    elsewhere.host('models/org/tiny', { 'config.json': small('{}') });
    setting.hub.inject(/tree/, ({ response }) => {
      response.setHeader('link', `<${elsewhere.endpoint}/api/models/org/tiny/tree/main?x=1>; rel="next"`);
      response.setHeader('content-type', 'application/json');
      response.end('[]');
    });
    await setting.fetch(['*.json'], withToken());
    expect(elsewhere.requests).toHaveLength(1);
    expect(JSON.stringify(elsewhere.requests[0]!.headers)).not.toContain(TOKEN);
    await elsewhere.stop();
  });

  it('is in no message, note or file, even when the server sends it back', async () => {
    const echo = `bad token ${TOKEN}`;
    setting.hub.inject(/revision/, answer(401, '', echo));
    expect(await setting.failure(['config.json'], withToken())).toContain('bad token <token>');
    setting.hub.inject(/revision/, answer(400, '', echo));
    expect(await setting.failure(['config.json'], withToken())).not.toContain(TOKEN);
    setting.hub.inject(/revision/, ({ response }) => void response.end(`{"${TOKEN}`));
    expect(await setting.failure(['config.json'], withToken())).not.toContain(TOKEN);
    setting.hub.inject(/revision/, answer(500, '', echo));
    await setting.fetch(['config.json', 'model.safetensors'], withToken());
    expect(setting.notes).toHaveLength(1);
    expect(setting.notes.join()).not.toContain(TOKEN);
    for (const name of readdirSync(setting.folder, { recursive: true, withFileTypes: true }))
      if (name.isFile())
        expect(readFileSync(path.join(name.parentPath, name.name)).includes(TOKEN)).toBe(false);
  });
});

describe('settings', () => {
  const settings = (environment: NodeJS.ProcessEnv) => hubSettings({ HOME: setting.folder, ...environment });
  const file = (name: string, content: string) => {
    const full = path.join(setting.folder, name);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, content);
    return full;
  };

  it('name the cache as Python does', () => {
    const home = setting.folder;
    expect(settings({}).cacheFolder).toBe(`${home}/.cache/huggingface/hub`);
    expect(settings({ XDG_CACHE_HOME: '/x' }).cacheFolder).toBe('/x/huggingface/hub');
    expect(settings({ XDG_CACHE_HOME: '/x', HF_HOME: '~/hf' }).cacheFolder).toBe(`${home}/hf/hub`);
    expect(settings({ HF_HOME: '/h', HF_HUB_CACHE: '/c' }).cacheFolder).toBe('/c');
    expect(settings({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' }).cacheFolder).toBe('/old');
    expect(settings({ HF_HOME: '', HF_HUB_CACHE: ' ' }).cacheFolder).toBe(`${home}/.cache/huggingface/hub`);
  });

  it('find the token where Python does', () => {
    expect(settings({}).token).toBeUndefined();
    file('.cache/huggingface/token', ' hf_default\n');
    expect(settings({}).token).toBe('hf_default');
    file('home/token', 'hf_home\r\n');
    expect(settings({ HF_HOME: '~/home' }).token).toBe('hf_home');
    const named = file('named', 'hf_named');
    expect(settings({ HF_HOME: '~/home', HF_TOKEN_PATH: named }).token).toBe('hf_named');
    expect(settings({ HF_TOKEN_PATH: named, HUGGING_FACE_HUB_TOKEN: 'hf_old' }).token).toBe('hf_old');
    const all = { HF_TOKEN_PATH: named, HUGGING_FACE_HUB_TOKEN: 'hf_old', HF_TOKEN: ' hf_new\n' };
    expect(settings(all).token).toBe('hf_new');
    expect(settings({ ...all, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token).toBeUndefined();
    expect(() => settings({ HF_TOKEN: 'hf_a\nb' })).toThrow(
      /^HF_TOKEN holds spaces or characters that no token has/,
    );
  });

  it('check the endpoint', () => {
    expect(settings({}).endpoint).toBe('https://huggingface.co');
    expect(settings({ HF_ENDPOINT: 'https://mirror.example/hf/' })).toMatchObject({
      endpoint: 'https://mirror.example/hf',
      endpointNote: ' (HF_ENDPOINT is set to https://mirror.example/hf/)',
    });
    for (const wrong of ['mirror.example', 'ftp://mirror.example', 'https://x/?a=1'])
      expect(() => settings({ HF_ENDPOINT: wrong })).toThrow(
        `HF_ENDPOINT must be an http or https URL, got "${wrong}"; unset it to use https://huggingface.co`,
      );
    expect(() => settings({ HF_ENDPOINT: 'https://me:secret@x' })).toThrow(
      /^HF_ENDPOINT must not hold a user name or password; put a token into HF_TOKEN$/,
    );
  });
});

it('reads Retry-After as seconds or as a date', () => {
  expect(retryAfterMs('7')).toBe(7000);
  expect(retryAfterMs('Tue, 01 Sep 2026 10:00:05 GMT', Date.parse('2026-09-01T10:00:00Z'))).toBe(5000);
  expect(retryAfterMs('Tue, 01 Sep 2026 10:00:05 GMT', Date.parse('2026-09-01T11:00:00Z'))).toBe(0);
  expect(retryAfterMs('soon')).toBeUndefined();
  expect(retryAfterMs(null)).toBeUndefined();
});
