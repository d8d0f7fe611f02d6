/** What each test of the downloads starts from: a Hub of its own, an empty cache, notes and messages kept. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { HubRepo } from '../../src/hub/names.ts';
import { fetchSnapshot, type HubOptions, type Snapshot } from '../../src/hub/snapshot.ts';
import { etagOf, FakeHub } from './server.ts';

export const MODEL: HubRepo = { type: 'model', name: 'org/tiny' };
export const COMMIT = 'c0ffee'.padEnd(40, '0');
export const TOKEN = 'hf_verySecretToken';

export class Setting {
  hub!: FakeHub;
  folder = '';
  notes: string[] = [];
  environment: NodeJS.ProcessEnv = {};

  /** The repository's folder in the cache. */
  get cache(): string {
    return path.join(this.folder, 'hub', 'models--org--tiny');
  }

  get blobs(): string {
    return path.join(this.cache, 'blobs');
  }

  fetch(
    files: readonly string[],
    options: Partial<HubOptions> = {},
    repo: HubRepo = MODEL,
  ): Promise<Snapshot> {
    const { notes, environment } = this;
    return fetchSnapshot(repo, {
      files,
      environment,
      backoffMs: 5,
      timeoutMs: 2000,
      onNote: (line) => notes.push(line),
      ...options,
    });
  }

  /** The message of the error that a fetch ends with. */
  async failure(
    files: readonly string[],
    options: Partial<HubOptions> = {},
    repo: HubRepo = MODEL,
  ): Promise<string> {
    const error = await this.fetch(files, options, repo).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    if (error?.name !== 'HubError') throw error ?? new Error('expected the fetch to fail');
    return error.message;
  }

  read(snapshot: Snapshot, name: string): Buffer {
    return readFileSync(path.join(snapshot.folder, name));
  }
}

export function useSetting(): Setting {
  const setting = new Setting();
  beforeEach(async () => {
    setting.hub = await FakeHub.start();
    setting.folder = mkdtempSync(path.join(tmpdir(), 'hub-'));
    setting.hub.hasReceived = (file, bytes) => {
      const partial = path.join(setting.blobs, `${etagOf(file)}.resume.incomplete`);
      return existsSync(partial) && statSync(partial).size >= bytes;
    };
    setting.notes = [];
    setting.environment = {
      HOME: setting.folder,
      HF_HOME: setting.folder,
      HF_ENDPOINT: setting.hub.endpoint,
    };
  });
  afterEach(async () => {
    await setting.hub.stop();
    if (existsSync(setting.folder)) rmSync(setting.folder, { recursive: true });
  });
  return setting;
}
