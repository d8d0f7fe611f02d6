/** Names, sizes and sums that a hub states, and the indices of shards in its repositories. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fetchModel, fetchSnapshot } from '../../../packages/datasets/src/hub/index.ts';
import { filesOf, textIn } from '../files.ts';
import { mutateJson } from '../mutate/json.ts';
import { expectThat, type Files, type Target } from '../target.ts';

const COMMIT = 'c0ffee'.padEnd(40, '0');
const NAMES = [
  ...[
    '../../x',
    '../x.json',
    '/tmp/psoft-fuzz-outside',
    '..\\..\\x',
    'C:\\x',
    'C:x',
    'a\0b',
    '.',
    '..',
    '',
    '/',
    'a//b',
    './a',
  ],
  ...[
    'aux',
    'NUL.json',
    'com1.txt',
    'x/con',
    'a.',
    'a ',
    ' a',
    'a:b',
    '~',
    '~/x',
    '$HOME/x',
    '%2e%2e/x',
    'a/..',
    'a/../../b',
  ],
  ...[
    `${'l'.repeat(300)}.json`,
    `${'d/'.repeat(600)}x`,
    'a\nb',
    'a\u001b[2J',
    '\ud800',
    '\u202etxt.exe',
    '.git/hooks/x',
    '.no_exist/x',
  ],
  ...[
    'refs/main',
    '*',
    '**',
    '?.bin',
    '[a]',
    'model.safetensors',
    'config.json',
    'train-00000-of-99999.parquet',
    '__proto__',
  ],
];

const sumOf = (text: string) =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0`)
    .update(text)
    .digest('hex');
const entry = (name: string, content: string) => ({
  type: 'file',
  path: name,
  size: Buffer.byteLength(content),
  oid: sumOf(content),
});

/** What the hub answers: its list of files, the index of shards, the commit. */
function answers(index: string): Files {
  return filesOf({
    'info.json': JSON.stringify({ _id: 'x', id: 'org/tiny', sha: COMMIT }),
    'list.json': JSON.stringify([
      entry('config.json', '{}'),
      entry('model.safetensors.index.json', index),
      entry('a.safetensors', 'a'),
      entry('data/train-00000-of-00001.parquet', 'p'),
    ]),
    'index.json': index,
  });
}

const INDEX = '{"weight_map":{"w":"a.safetensors"}}';

/** Keeps what the list says of the index true, so that it is fetched and read. */
function relisted(files: Files): Files {
  const index = textIn(files, 'index.json');
  const list = textIn(files, 'list.json').replace(
    /("path":"model\.safetensors\.index\.json","size":)\d+(,"oid":")[0-9a-f]{40}/,
    (_, size: string, oid: string) => `${size}${Buffer.byteLength(index)}${oid}${sumOf(index)}`,
  );
  return new Map(files).set('list.json', Buffer.from(list));
}

export const hub: Target = {
  name: 'hub',
  async seeds() {
    return [answers(INDEX), answers('{"weight_map":{"w":"../a.safetensors","v":"**"}}')];
  },
  mutate(files, random) {
    const name = random.pick(['info.json', 'list.json', 'list.json', 'index.json', 'index.json']);
    const changed = mutateJson(textIn(files, name), random, [
      ...NAMES,
      'path',
      'oid',
      'lfs',
      'size',
      'type',
      'directory',
      'weight_map',
    ]);
    return relisted(new Map(files).set(name, Buffer.from(changed)));
  },
  async read(folder, files) {
    const home = path.join(folder, 'home');
    const options = {
      environment: { HOME: home, HF_HOME: home, HF_TOKEN: 'hf_sentinel' },
      fetch: answering(files),
      retries: 0,
      backoffMs: 1,
    };
    const before = await readdir(folder);
    let failure: unknown;
    for (const fetch of [
      () => fetchModel({ name: 'org/tiny' }, options),
      () => fetchSnapshot({ type: 'dataset', name: 'org/tiny' }, { ...options, files: ['**'] }),
      () => fetchSnapshot({ type: 'dataset', name: 'org/tiny' }, { ...options, files: ['data/*.parquet'] }),
    ]) {
      await fetch().then(
        async ({ folder: found, files: names }) => {
          for (const one of names) {
            const file = path.resolve(found, one);
            expectThat(file.startsWith(`${found}${path.sep}`), `${one} lies in the snapshot`);
          }
        },
        (error: unknown) => {
          failure ??= error;
        },
      );
    }
    const now = await readdir(folder);
    expectThat(
      now.every((name) => before.includes(name) || name === 'home'),
      `nothing but the cache is made: ${now}`,
    );
    if (existsSync(home)) {
      const made = await readdir(home);
      expectThat(
        made.every((name) => name === 'hub'),
        `nothing but the cache is made: ${made}`,
      );
      const repositories = await readdir(path.join(home, 'hub'));
      expectThat(
        repositories.every((name) => /^(\.locks|(models|datasets)--org--tiny)$/.test(name)),
        `no other repository: ${repositories}`,
      );
    }
    expectThat(!existsSync('/tmp/psoft-fuzz-outside'), 'nothing is written where a name leads');
    if (failure !== undefined) throw failure;
  },
  places: ['org/tiny'],
};

/** A hub that answers with the files of the input. */
function answering(files: Files): typeof fetch {
  const json = (name: string) =>
    new Response(Buffer.from(files.get(name) ?? []), { headers: { 'content-type': 'application/json' } });
  return async (input) => {
    const url = new URL(String(input));
    if (url.pathname.includes('/revision/')) return json('info.json');
    if (/\/(paths-info|tree)\//.test(url.pathname)) return json('list.json');
    const name = decodeURIComponent(url.pathname.split(`/resolve/${COMMIT}/`)[1] ?? '');
    const contents: Readonly<Record<string, string>> = {
      'config.json': '{}',
      'model.safetensors.index.json': textIn(files, 'index.json'),
      'data/train-00000-of-00001.parquet': 'p',
    };
    const content = Object.hasOwn(contents, name) ? contents[name]! : 'a';
    return new Response(content, { headers: { 'content-length': String(Buffer.byteLength(content)) } });
  };
}

/** An index and a list that both name such a file. */
export const hubAnswers = (name: string): Files =>
  relisted(
    new Map(answers(JSON.stringify({ weight_map: { w: name } }))).set(
      'list.json',
      Buffer.from(
        JSON.stringify([
          entry('config.json', '{}'),
          entry('model.safetensors.index.json', '{}'),
          entry(name, 'a'),
        ]),
      ),
    ),
  );
