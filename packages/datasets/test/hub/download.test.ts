/** Poor lines and wrong bytes: what a download survives, and what it says when it does not. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Bend, etagOf, type Fault, gitSha1, large, refuse, sha256, small } from './server.ts';
import { COMMIT, MODEL, useSetting } from './setting.ts';

const setting = useSetting();
const weights = large(200_000);
const config = small('{"model_type":"tiny"}');
const NAME = 'model.safetensors';

beforeEach(() => {
  setting.hub.host('models/org/tiny', { [NAME]: weights, 'config.json': config });
});

const bent =
  (bend: Bend): Fault =>
  async (exchange, proceed) => {
    Object.assign(exchange.bend, bend);
    await proceed();
  };
const status =
  (code: number, headers: Record<string, string> = {}): Fault =>
  ({ response }) =>
    refuse(response, code, '', 'as the test wants', headers);
const cdn = () => setting.hub.requests.filter(({ server }) => server === 'cdn');
const ranges = () => cdn().map(({ headers }) => headers.range);

async function expectWhole(): Promise<void> {
  const snapshot = await setting.fetch([NAME]);
  expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
  expect(readdirSync(setting.blobs)).toEqual([etagOf(weights)]);
}

function leavePartial(content: Uint8Array): void {
  mkdirSync(setting.blobs, { recursive: true });
  writeFileSync(path.join(setting.blobs, `${etagOf(weights)}.resume.incomplete`), content);
}

describe('a line that breaks', () => {
  it('is taken up where it broke, and no byte is sent twice', async () => {
    setting.hub.inject(/ cdn /, bent({ cutAfter: 70_000 }));
    await expectWhole();
    const [first, second] = cdn();
    expect(ranges()).toEqual([undefined, `bytes=${first!.sent}-`]);
    expect(first!.sent).toBe(70_000);
    expect(second!.sent).toBe(130_000);
    expect(setting.notes).toHaveLength(1);
    expect(setting.notes[0]).toMatch(
      /^downloading "model.safetensors" of model "org\/tiny": the connection to 127.0.0.1:\d+ broke \(UND_ERR_SOCKET\); trying again in 0.0 s \(1 of 5\)$/,
    );
  });

  it('may break more often than the retries allow, as long as each time brings more', async () => {
    setting.hub.inject(/ cdn /, bent({ cutAfter: 30_000 }), 6);
    const snapshot = await setting.fetch([NAME], { retries: 1 });
    expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
    expect(cdn()).toHaveLength(7);
  });

  it('goes on in a later run, after an error that says so', async () => {
    setting.hub.inject(/ cdn /, bent({ cutAfter: 50_000 }));
    setting.hub.inject(/ cdn /, status(503), 3);
    expect(await setting.failure([NAME], { retries: 2 })).toBe(
      `downloading "${NAME}" of model "org/tiny" failed after 3 attempts, the last because HTTP 503 (HF_ENDPOINT is set to ${setting.hub.endpoint}); check the connection and run again, it goes on where it stopped`,
    );
    await expectWhole();
    expect(ranges().at(-1)).toBe('bytes=50000-');
  });

  it('ends when a server without ranges breaks at the same place for ever', async () => {
    setting.hub.inject(/ cdn /, bent({ cutAfter: 50_000, ignoreRange: true }), 100);
    expect(await setting.failure([NAME], { retries: 3 })).toMatch(
      /failed after 4 attempts, the last because/,
    );
    expect(cdn()).toHaveLength(4);
  });

  it('counts as broken when it brings nothing for too long', async () => {
    setting.hub.inject(/ cdn /, bent({ stallAfter: 60_000 }));
    const snapshot = await setting.fetch([NAME], { timeoutMs: 150 });
    expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=60000-']);
    expect(setting.notes[0]).toContain('for 0.15 s; trying again');
    setting.hub.inject(/revision/, () => {}, 2);
    expect(await setting.failure([NAME], { timeoutMs: 50, retries: 1 })).toMatch(
      /^looking up revision "main" of model "org\/tiny" failed after 2 attempts, the last because no data from 127.0.0.1:\d+ for 0.05 s/,
    );
  });

  it('that is slow but moves is given its time', async () => {
    const slow = large(8000, 9);
    setting.hub.host('models/org/tiny', { [NAME]: slow });
    setting.hub.inject(/ cdn /, bent({ dripMs: 40 }));
    const snapshot = await setting.fetch([NAME], { timeoutMs: 200 });
    expect(setting.read(snapshot, NAME).equals(slow.content)).toBe(true);
    expect(setting.notes).toEqual([]);
  });
});

describe('a server in trouble', () => {
  it('is asked again after 500, 502, 504 and at once answers well', async () => {
    setting.hub.inject(/revision/, status(500));
    setting.hub.inject(/paths-info/, status(502));
    setting.hub.inject(/resolve/, status(504));
    await expectWhole();
    expect(setting.notes.map((note) => /HTTP \d+/.exec(note)?.[0])).toEqual([
      'HTTP 500',
      'HTTP 502',
      'HTTP 504',
    ]);
  });

  it('that stays in trouble is given up, with the count', async () => {
    setting.hub.inject(/revision/, status(500), 100);
    expect(await setting.failure([NAME], { retries: 3 })).toMatch(
      /failed after 4 attempts, the last because HTTP 500/,
    );
    expect(setting.hub.requests).toHaveLength(4);
  });

  it('that asks for patience gets it', async () => {
    setting.hub.inject(/resolve/, status(429, { 'retry-after': '1' }));
    const start = performance.now();
    await expectWhole();
    expect(performance.now() - start).toBeGreaterThan(950);
    expect(setting.notes[0]).toContain('HTTP 429, too many requests; trying again in 1.0 s (1 of 5)');
    setting.hub.inject(/revision/, status(429, { 'retry-after': '3600' }));
    expect(await setting.failure([NAME])).toMatch(
      /asks to wait 60 minutes before model "org\/tiny" is fetched/,
    );
  });

  it('that answers with a web page is not taken for the Hub', async () => {
    setting.hub.inject(/revision/, ({ response }) => void response.end('<html>Sign in</html>'));
    expect(await setting.failure([NAME])).toMatch(
      /the answer is not one of a Hub \(.*\); a proxy or sign-in page/,
    );
  });

  it('that has renamed the repository is followed, with the question asked', async () => {
    const old = { ...MODEL, name: 'org/old' };
    const moved: Fault = ({ response, request }) =>
      void response.writeHead(307, { location: request.url!.replace('/old', '/tiny') }).end();
    setting.hub.inject(/org\/old/, moved, 9);
    const snapshot = await setting.fetch([NAME], {}, old);
    expect(setting.read(snapshot, NAME).equals(weights.content)).toBe(true);
    expect(snapshot.folder).toContain('models--org--old');
    expect(setting.hub.log().filter((line) => line.startsWith('POST'))).toHaveLength(2);
  });

  it('that redirects to what is no web address is left', async () => {
    setting.hub.inject(
      /resolve/,
      ({ response }) => void response.writeHead(302, { location: 'data:,x' }).end(),
    );
    expect(await setting.failure([NAME])).toMatch(/redirects to "null", which is not followed/);
  });

  it('that redirects without end is left', async () => {
    const turn: Fault = ({ response, request }) =>
      void response.writeHead(302, { location: request.url }).end();
    setting.hub.inject(/resolve/, turn, 100);
    expect(await setting.failure([NAME])).toMatch(/redirects without end/);
  });
});

describe('a partial file of an earlier run', () => {
  it('is dropped when the server ignores the range', async () => {
    leavePartial(weights.content.subarray(0, 80_000));
    setting.hub.inject(/ cdn /, bent({ ignoreRange: true }));
    await expectWhole();
    expect(ranges()).toEqual(['bytes=80000-']);
    expect(cdn()[0]!.sent).toBe(200_000);
  });

  it('is dropped when the server knows no bytes after it', async () => {
    leavePartial(weights.content.subarray(0, 80_000));
    setting.hub.inject(/ cdn /, status(416));
    await expectWhole();
    expect(ranges()).toEqual(['bytes=80000-', undefined]);
  });

  it('is dropped when it is longer than the file', async () => {
    leavePartial(Buffer.alloc(200_001));
    await expectWhole();
    expect(ranges()).toEqual([undefined]);
  });

  it('that is whole needs no request', async () => {
    leavePartial(weights.content);
    await expectWhole();
    expect(cdn()).toEqual([]);
  });

  it('with wrong bytes is found out and fetched anew', async () => {
    leavePartial(Buffer.alloc(80_000));
    await expectWhole();
    expect(ranges()).toEqual(['bytes=80000-', undefined]);
    expect(setting.notes[0]).toMatch(
      /expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}; fetching it once more/,
    );
  });
});

describe('bytes that are not the file', () => {
  const wrong = large(200_000, 7).content;

  it('are thrown away and fetched once more', async () => {
    setting.hub.inject(/ cdn /, bent({ content: wrong }));
    await expectWhole();
    expect(ranges()).toEqual([undefined, undefined]);
  });

  it('end the download the second time, naming both sums, and leave nothing behind', async () => {
    setting.hub.inject(/ cdn /, bent({ content: wrong }), 9);
    expect(await setting.failure([NAME])).toContain(
      `"${NAME}" of model "org/tiny" arrived damaged twice: expected SHA-256 ${sha256(weights.content)}, got ${sha256(wrong)}`,
    );
    expect(cdn()).toHaveLength(2);
    expect(readdirSync(setting.blobs)).toEqual([]);
    expect(existsSync(path.join(setting.cache, 'refs'))).toBe(false);
  });

  it('are found out in small files too, by the sum of git', async () => {
    const other = Buffer.from('{"model_type":"evil"}');
    setting.hub.inject(/resolve/, bent({ content: other }), 2);
    expect(await setting.failure(['config.json'])).toContain(
      `expected git SHA-1 ${gitSha1(config.content)}, got ${gitSha1(other)}`,
    );
  });

  it('are found out by their number', async () => {
    setting.hub.inject(/ cdn /, bent({ content: wrong.subarray(1) }), 2);
    expect(await setting.failure([NAME])).toContain('expected 200000 bytes, the server announces 199999');
    const unmeasured: Fault = ({ response }) =>
      void response.write(Buffer.alloc(200_001), () => response.end());
    setting.hub.inject(/ cdn /, unmeasured, 2);
    expect(await setting.failure([NAME])).toContain('expected 200000 bytes, got more than that');
  });

  it('are not written at the wrong place', async () => {
    leavePartial(weights.content.subarray(0, 80_000));
    setting.hub.inject(/ cdn /, ({ response }) => {
      response
        .writeHead(206, { 'content-range': 'bytes 70000-199999/200000' })
        .end(weights.content.subarray(70_000));
    });
    await expectWhole();
    expect(setting.notes[0]).toContain(
      'expected bytes from 80000 of 200000, the server announces "bytes 70000-',
    );
  });
});

describe('the caller', () => {
  it('can break off, and what has come stays for the next time', async () => {
    const controller = new AbortController();
    setting.hub.inject(/ cdn /, bent({ stallAfter: 64_000 }));
    const onProgress = ({ done }: { done: number }) => {
      if (done >= 64_000) controller.abort(new Error('enough'));
    };
    await expect(setting.fetch([NAME], { signal: controller.signal, onProgress })).rejects.toThrow('enough');
    expect(readdirSync(path.join(setting.folder, 'hub/.locks/models--org--tiny'))).toEqual([]);
    await expectWhole();
    expect(ranges()).toEqual([undefined, 'bytes=64000-']);
  });

  it('can break off during a wait', async () => {
    setting.hub.inject(/revision/, status(503), 9);
    const options = { signal: AbortSignal.timeout(100), backoffMs: 60_000 };
    await expect(setting.fetch([NAME], options)).rejects.toThrow(/timeout/);
  });

  it('is told when the cache cannot be written', async () => {
    const file = path.join(setting.folder, 'file');
    writeFileSync(file, '');
    const environment = { ...setting.environment, HF_HUB_CACHE: file };
    expect(await setting.failure([NAME], { environment }, { ...MODEL, revision: COMMIT })).toBe(
      `the cache folder ${file} cannot be used (ENOTDIR at stat); make room or set HF_HUB_CACHE to another folder`,
    );
  });
});
