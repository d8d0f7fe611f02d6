/** The commonsense sets from a web address and from a data set on the Hub, both on loopback. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  COMMONSENSE_SETS,
  COMMONSENSE_URL,
  type CommonsenseRow,
  readCommonsenseSet,
  readCommonsenseTraining,
  responseOf,
} from '../../src/commonsense/index.ts';
import type { SessionOptions } from '../../src/hub/index.ts';
import { type Bend, type Fault, gitSha1, type HostedFile, refuse, small } from './server.ts';
import { COMMIT, useSetting } from './setting.ts';

const setting = useSetting();

const boolq = (count: number, word = 'true'): CommonsenseRow[] =>
  Array.from({ length: count }, (_, i) => ({
    instruction: `Please answer the following question with true or false, question: is ${i} a number?\n\nAnswer format: true/false`,
    input: '',
    output: responseOf(word),
    answer: word,
  }));
const hosted = (rows: readonly CommonsenseRow[]): HostedFile => small(JSON.stringify(rows, undefined, 4));
/** Some 130 kB. */
const ROWS = boolq(500);

const cacheFolder = () => path.join(setting.folder, 'psoft', 'commonsense');
/** Names of all files that the cache holds. */
const cached = (): string[] =>
  existsSync(cacheFolder())
    ? readdirSync(cacheFolder(), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    : [];

const options = (own: SessionOptions = {}): SessionOptions => ({
  backoffMs: 5,
  timeoutMs: 2000,
  onNote: (line) => setting.notes.push(line),
  ...own,
  environment: {
    ...setting.environment,
    PSOFT_CACHE: path.join(setting.folder, 'psoft'),
    ...own.environment,
  },
});
const read = (url = setting.hub.webUrl, own: SessionOptions = {}) =>
  readCommonsenseSet('boolq', { url }, options(own));
const train = (url = setting.hub.webUrl, own: SessionOptions = {}) =>
  readCommonsenseTraining({ url }, options(own));

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => new Error('expected a failure'),
    (error: Error) => error,
  );
}
const bent =
  (bend: Bend): Fault =>
  async (exchange, proceed) => {
    Object.assign(exchange.bend, bend);
    await proceed();
  };
const status =
  (code: number): Fault =>
  ({ response }) =>
    refuse(response, code, '', 'as the test wants');
const gets = () => setting.hub.requests.filter(({ method }) => method === 'GET');
const ranges = () => gets().map(({ headers }) => headers.range);

beforeEach(() => {
  setting.hub.pages['/dataset/boolq/test.json'] = hosted(ROWS);
  setting.hub.hasReceived = (_, bytes) => {
    if (!existsSync(cacheFolder())) return false;
    const names = readdirSync(cacheFolder(), { recursive: true }).map(String);
    const partial = names.find((name) => name.endsWith('.incomplete'));
    return partial !== undefined && statSync(path.join(cacheFolder(), partial)).size >= bytes;
  };
});

describe('a web address', () => {
  test('is looked through for the layouts, and one file comes', async () => {
    const progress: string[] = [];
    const data = await read(`${setting.hub.webUrl}/`, {
      onProgress: ({ file, done, total }) => progress.push(`${file} ${done}/${total}`),
    });
    const { content } = setting.hub.pages['/dataset/boolq/test.json']!;
    expect(data.rows).toEqual(ROWS);
    expect(data.source).toBe(`${setting.hub.webUrl}/dataset/boolq/test.json`);
    expect(data.files).toEqual([{ path: 'dataset/boolq/test.json', blob: gitSha1(content) }]);
    expect(data.isPublished).toBe(false);
    expect(data.note).toBe(`${data.source} differs from the published file: 3270 rows expected, 500 found`);
    expect(setting.hub.log()).toEqual([
      'HEAD web /boolq/test.json',
      'HEAD web /dataset/boolq/test.json',
      'GET web /dataset/boolq/test.json',
    ]);
    expect(progress.at(-1)).toBe(`dataset/boolq/test.json ${content.length}/${content.length}`);
    expect(cached()).toEqual(['boolq.json', 'test.json']);
  });

  test('is never asked again for what it gave', async () => {
    const first = await read();
    const before = setting.hub.log().length;
    await setting.hub.stop();
    expect(await read()).toEqual(first);
    expect(await read(undefined, { environment: { HF_HUB_OFFLINE: '1' } })).toEqual(first);
    expect(setting.hub.log()).toHaveLength(before);
  });

  test('may be a file', async () => {
    setting.hub.pages['/mine/15 k.json'] = hosted(boolq(2));
    const url = `${setting.hub.webUrl}/mine/15%20k.json`;
    const data = await train(url);
    expect(data.rows).toHaveLength(2);
    expect(data.files[0]!.path).toBe('15 k.json');
    expect((await train(url)).rows).toHaveLength(2);
    expect(setting.hub.log()).toEqual(['HEAD web /mine/15%20k.json', 'GET web /mine/15%20k.json']);
    expect((await failure(train(`${setting.hub.webUrl}/mine/other.json`))).message).toBe(
      `there is no ${setting.hub.webUrl}/mine/other.json`,
    );
  });

  test('two addresses are two places', async () => {
    setting.hub.pages['/copy/boolq/test.json'] = hosted(boolq(3, 'false'));
    expect((await read()).rows).toHaveLength(500);
    expect((await read(`${setting.hub.webUrl}/copy`)).rows).toHaveLength(3);
  });

  test('gives training data: the published name before the parts', async () => {
    setting.hub.pages['/boolq/train.json'] = hosted(boolq(2));
    setting.hub.pages['/dataset/ARC-Easy/train.json'] = hosted([
      { instruction: 'q Answer format: answer1/answer2', input: '', output: 'answer2', answer: 'answer2' },
    ]);
    const joined = await train();
    expect(joined.rows.map(({ answer }) => answer)).toEqual(['true', 'true', 'answer2']);
    expect(joined.source).toBe(`${setting.hub.webUrl} (train.json of boolq, arc-e)`);
    setting.hub.pages['/other/ft-training_set/commonsense_15k.json'] = hosted(boolq(1));
    const { source } = await train(`${setting.hub.webUrl}/other`);
    expect(source).toBe(`${setting.hub.webUrl}/other/ft-training_set/commonsense_15k.json`);
  });

  test('parts of which some did not come are not taken for all', async () => {
    setting.hub.pages['/boolq/train.json'] = hosted(boolq(2));
    setting.hub.pages['/piqa/train.json'] = hosted(boolq(1));
    setting.hub.inject(/GET web \/piqa/, status(403));
    expect((await failure(train())).message).toMatch(
      /^access to .*\/piqa\/train\.json was refused \(HTTP 403\)/,
    );
    const again = await train();
    expect(again.rows).toHaveLength(3);
    expect(gets().map(({ url }) => url)).toEqual([
      '/boolq/train.json',
      '/piqa/train.json',
      '/piqa/train.json',
    ]);
  });

  test('two readers at once fetch a file once', async () => {
    const [one, other] = await Promise.all([read(), read()]);
    expect(one).toEqual(other);
    expect(gets()).toHaveLength(1);
  });
});

describe('a poor line', () => {
  test('is taken up where it broke', async () => {
    setting.hub.inject(/GET web/, bent({ cutAfter: 70_000 }));
    expect((await read()).rows).toEqual(ROWS);
    expect(ranges()).toEqual([undefined, `bytes=${gets()[0]!.sent}-`]);
    expect(setting.notes[0]).toMatch(
      /^downloading "dataset\/boolq\/test\.json" of http:\/\/127\.0\.0\.1:\d+: the connection to .* broke/,
    );
  });

  test('goes on in a later run', async () => {
    setting.hub.inject(/GET web/, bent({ cutAfter: 50_000 }));
    expect((await failure(read(undefined, { retries: 0 }))).message).toMatch(
      /^downloading "dataset\/boolq\/test\.json" of .* failed after 1 attempt, .*; check the connection and run again, it goes on where it stopped$/,
    );
    expect((await read()).rows).toEqual(ROWS);
    expect(ranges()).toEqual([undefined, 'bytes=50000-']);
    expect(cached()).toEqual(['boolq.json', 'test.json']);
  });

  test('does not go on with a part of another content', async () => {
    setting.hub.inject(/GET web/, bent({ cutAfter: 50_000 }));
    await failure(read(undefined, { retries: 0 }));
    setting.hub.pages['/dataset/boolq/test.json'] = hosted(boolq(500, 'false'));
    expect((await read()).rows[499]!.answer).toBe('false');
    expect(ranges()).toEqual([undefined, undefined]);
  });

  test('leaves no part behind whose content nothing tells', async () => {
    const untagged: Fault = ({ response }) => {
      const { length } = setting.hub.pages['/dataset/boolq/test.json']!.content;
      response.writeHead(200, { 'content-length': length }).end();
    };
    setting.hub.inject(/HEAD web \/dataset/, untagged, 2);
    setting.hub.inject(/GET web/, bent({ cutAfter: 50_000 }), 2);
    await failure(read(undefined, { retries: 0 }));
    expect(cached()).toEqual([]);
    expect((await read()).rows).toEqual(ROWS);
    expect(ranges()).toEqual([undefined, undefined, 'bytes=50000-']);
  });

  test('a server in trouble is asked again', async () => {
    setting.hub.inject(/HEAD web/, status(503));
    setting.hub.inject(/GET web/, status(429));
    expect((await read()).rows).toEqual(ROWS);
    expect(setting.notes).toHaveLength(2);
    setting.hub.inject(/HEAD web/, ({ response }) => {
      response.writeHead(429, { 'retry-after': '3600' }).end();
    });
    expect((await failure(train())).message).toMatch(
      /^127\.0\.0\.1:\d+ asks to wait 60 minutes before http:\/\/127\.0\.0\.1:\d+\/commonsense_15k\.json is fetched \(HTTP 429\)/,
    );
  });
});

describe('what is wrong is said', () => {
  test('nothing there', async () => {
    const error = await failure(read(`${setting.hub.webUrl}/nowhere`));
    expect(error.name).toBe('DataError');
    expect(error.message).toBe(
      `no boolq test data at ${setting.hub.webUrl}/nowhere: looked for boolq/test.json, dataset/boolq/test.json, test.json`,
    );
    expect(gets()).toEqual([]);
  });

  test("a page of GitHub's is no folder of files", async () => {
    const nothing = (): Promise<Response> => Promise.resolve(new Response(null, { status: 404 }));
    const error = await failure(read('https://github.com/org/name', { fetch: nothing }));
    expect(error.message).toMatch(
      /; GitHub serves files at https:\/\/raw\.githubusercontent\.com\/OWNER\/REPOSITORY\/BRANCH$/,
    );
  });

  test('a refusal', async () => {
    setting.hub.inject(/HEAD web/, status(401));
    expect((await failure(read())).message).toMatch(
      /^access to .*\/boolq\/test\.json was refused \(HTTP 401\); take an address that needs no sign-in, or download/,
    );
    setting.hub.inject(/HEAD web/, status(405));
    const error = await failure(read());
    expect(error.name).toBe('HubError');
    expect(error.message).toMatch(/\/boolq\/test\.json was answered with HTTP 405; check the address/);
  });

  test('a file without a length', async () => {
    setting.hub.inject(/HEAD web \/dataset/, ({ response }) => void response.writeHead(200).end());
    expect((await failure(read())).message).toMatch(
      /does not say how long the file is; download it yourself/,
    );
  });

  test('a web page in place of the file, which is not kept', async () => {
    setting.hub.pages['/boolq/test.json'] = small('<html>Sign in</html>');
    const error = await failure(read());
    expect(error.name).toBe('DataError');
    expect(error.message).toMatch(
      /boolq\/test\.json row 1: not JSON: .* \(downloaded from http:\/\/127\.0\.0\.1:\d+; it is dropped from the cache\)$/,
    );
    expect(cached()).toEqual([]);
    setting.hub.pages['/boolq/test.json'] = hosted(boolq(1));
    expect((await read()).rows).toHaveLength(1);
  });

  test('a row that is wrong', async () => {
    setting.hub.pages['/boolq/test.json'] = hosted([...boolq(1), { ...boolq(1)[0]!, answer: 'false' }]);
    expect((await failure(read())).message).toMatch(
      /row 2: "output" is "the correct answer is true", expected it to name the answer false \(downloaded/,
    );
  });

  test.each([
    ['data', 'expected an http or https address, got "data"'],
    [
      'https://host/..%2Fdata.json',
      'expected the name of a file at the end of "https://host/..%2Fdata.json"',
    ],
    ['https://host/%zz.json', 'expected the name of a file at the end of "https://host/%zz.json"'],
    ['ftp://host/data', 'expected an http or https address, got "ftp://host/data"'],
    [
      'https://me:secret@host/data',
      'the address of host must not hold a user name or password; leave them out',
    ],
    [
      'https://host/data?x=1',
      'expected the address of a folder, got "https://host/data?x=1"; leave out all from "?" or "#" on',
    ],
  ])('the address %s', async (url, message) => {
    expect((await failure(read(url))).message).toBe(message);
  });

  test('no network, and none allowed', async () => {
    const { webUrl } = setting.hub;
    const offline = await failure(read(webUrl, { environment: { HF_HUB_OFFLINE: '1' } }));
    expect(offline.message).toBe(
      `boolq test data of ${webUrl} is not in the cache at ${cacheFolder()} and HF_HUB_OFFLINE forbids requests; unset HF_HUB_OFFLINE once to download`,
    );
    expect(setting.hub.log()).toEqual([]);
    await setting.hub.stop();
    const environment = { HTTPS_PROXY: 'http://proxy:1' };
    const unreachable = await failure(read(webUrl, { retries: 1, environment }));
    expect(unreachable.name).toBe('HubError');
    expect(unreachable.message).toMatch(
      /^looking for "boolq\/test\.json" at http:\/\/127\.0\.0\.1:\d+ failed after 2 attempts, the last because 127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\); check the connection \(HTTPS_PROXY is set: Node uses it from 22\.21 or 24 on, with NODE_USE_ENV_PROXY=1\) and run again/,
    );
  });

  test('a cache that cannot be used', async () => {
    const file = path.join(setting.folder, 'file');
    writeFileSync(file, '');
    expect((await failure(read(undefined, { environment: { PSOFT_CACHE: file } }))).message).toBe(
      `the cache folder ${file}/commonsense cannot be used (ENOTDIR at stat); make room or set PSOFT_CACHE to another folder`,
    );
  });
});

describe('the published address', () => {
  /** What goes there goes to loopback. */
  const rerouted: typeof fetch = (input, init) =>
    fetch(String(input).replace(new URL(COMMONSENSE_URL).origin, setting.hub.webUrl), init);
  const page = `${new URL(COMMONSENSE_URL).pathname}/dataset/boolq/test.json`;

  test('gives the published file or none', async () => {
    setting.hub.pages[page] = hosted(ROWS);
    const error = await failure(read(COMMONSENSE_URL, { fetch: rerouted }));
    expect(error.name).toBe('HubError');
    expect(error.message).toBe(
      `"dataset/boolq/test.json" of ${COMMONSENSE_URL} arrived damaged twice: expected git SHA-1 ${COMMONSENSE_SETS.boolq.testBlob}, got ${gitSha1(hosted(ROWS).content)}; a proxy or mirror may alter it, try another connection`,
    );
    expect(cached()).toEqual([]);
  });

  const real = path.join(process.env.PSOFT_DATA ?? '', 'commonsense/boolq/test.json');
  test.skipIf(process.env.PSOFT_DATA === undefined || !existsSync(real))(
    'the real file (PSOFT_DATA)',
    async () => {
      setting.hub.pages[page] = { content: readFileSync(real), isLarge: false };
      const data = await read(COMMONSENSE_URL, { fetch: rerouted });
      expect(data.isPublished).toBe(true);
      expect(data.rows).toHaveLength(3270);
      expect(data.note).toBe(
        `${COMMONSENSE_URL}/dataset/boolq/test.json is the published file, byte for byte`,
      );
    },
  );
});

describe('a data set on the Hub', () => {
  const host = (files: Record<string, HostedFile>) => setting.hub.host('datasets/org/commonsense', files);
  const hub = { name: 'org/commonsense' };

  test('holds the same layouts; the cache serves offline', async () => {
    host({ 'dataset/boolq/test.json': hosted(ROWS), 'dataset/piqa/test.json': small('[') });
    const data = await readCommonsenseSet('boolq', { hub }, options());
    expect(data.rows).toEqual(ROWS);
    expect(data.source).toBe('org/commonsense@c0ffee00 dataset/boolq/test.json');
    expect(data.commit).toBe(COMMIT);
    expect(data.files).toEqual([{ path: 'dataset/boolq/test.json', blob: gitSha1(hosted(ROWS).content) }]);
    expect(data.note).toBe(`${data.source} differs from the published file: 3270 rows expected, 500 found`);
    const before = setting.hub.log().length;
    const offline = options({ environment: { HF_HUB_OFFLINE: '1' } });
    expect(await readCommonsenseSet('boolq', { hub }, offline)).toEqual(data);
    expect(setting.hub.log()).toHaveLength(before);
  });

  test('training data: one file, or the parts where there is none', async () => {
    host({ 'commonsense_15k.json': hosted(boolq(2)), 'boolq/train.json': hosted(boolq(5)) });
    const whole = await readCommonsenseTraining({ hub }, options());
    expect(whole.source).toBe('org/commonsense@c0ffee00 commonsense_15k.json');
    expect(gets().filter(({ url }) => url.includes('resolve'))).toHaveLength(1);
    const other = 'beef'.padEnd(40, '0');
    setting.hub.host('datasets/org/commonsense', { 'boolq/train.json': hosted(boolq(5)) }, other);
    const joined = await readCommonsenseTraining({ hub }, options());
    expect(joined.rows).toHaveLength(5);
    expect(joined.source).toBe('org/commonsense@beef0000 (train.json of boolq)');
    expect(joined.commit).toBe(other);
  });

  test('that has nothing of it', async () => {
    host({ 'README.md': small('') });
    for (const work of [
      readCommonsenseSet('arc-c', { hub }, options()),
      readCommonsenseTraining({ hub }, options()),
    ])
      expect((await failure(work)).message).toMatch(
        /^dataset "org\/commonsense" has no (arc-c test|commonsense training) data at commit c0ffee0+: looked for /,
      );
    expect((await failure(readCommonsenseTraining({ hub: { name: 'org/absent' } }, options()))).name).toBe(
      'HubError',
    );
  });
});
