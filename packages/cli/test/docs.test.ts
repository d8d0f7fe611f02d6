/** The documents hold what they promise: links and anchors lead somewhere, quoted commands exist, the site is built of them. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { METHODS } from '@psoft/adapter';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileComment, readApi } from '../../../tools/docs/api.ts';
import {
  type KnownCommands,
  problemOf,
  quotedCommands,
  workspaceTargets,
} from '../../../tools/docs/commands.ts';
import { headingIds, renderMarkdown } from '../../../tools/docs/markdown.ts';
import { navigationOf } from '../../../tools/docs/navigation.ts';
import { collectPages, ENTRANCE, isExternal, targetOf } from '../../../tools/docs/pages.ts';
import { writeSite } from '../../../tools/docs/site.ts';
import { THEMES } from '../../../tools/docs/style.ts';
import { ROOT } from '../../../tools/packing/workspace.ts';
import { buildProgram } from '../src/main.ts';
import { flagOf } from '../src/methodFlags.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'psoft-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

const markdownIn = (place: string) =>
  readdirSync(path.join(ROOT, place))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(place, name));
const DOCS = markdownIn('docs');
const DOCUMENTS = [
  ...['README.md', 'CHANGELOG.md', ...DOCS],
  ...readdirSync(path.join(ROOT, 'packages')).flatMap((name) => markdownIn(`packages/${name}`)),
];

describe('documents', () => {
  test('links and anchors lead somewhere', () => {
    expect(collectPages(ROOT, DOCUMENTS).broken).toEqual([]);
  });

  test('every page of docs/ is in the navigation', () => {
    const linked = navigationOf(read(ENTRANCE)).flatMap(({ links }) =>
      links.map(({ href }) => `docs/${href}`),
    );
    expect(
      DOCS.filter((page) => page !== ENTRANCE && !linked.includes(page)),
      'add it to docs/index.md',
    ).toEqual([]);
  });

  test.each(DOCUMENTS)('the commands that %s quotes exist', (file) => {
    const problems = quotedCommands(read(file)).flatMap((quoted) => {
      const problem = problemOf(quoted, KNOWN);
      return problem === undefined ? [] : [`${quoted.text}: ${problem}`];
    });
    expect(problems).toEqual([]);
  });
});

function commandsOf(command: Command, name = ''): [string, Command][] {
  return command.commands.flatMap((one) => {
    const full = `${name} ${one.name()}`.trim();
    return [[full, one] as [string, Command], ...commandsOf(one, full)];
  });
}

const KNOWN: KnownCommands = {
  targets: workspaceTargets(ROOT),
  scripts: new Set(Object.keys(JSON.parse(read('package.json')).scripts)),
  psoft: new Map(
    commandsOf(await buildProgram(() => undefined)).map(([name, command]) => [
      name,
      {
        flags: new Set(command.options.map(({ long }) => long!)),
        // Commander has no public way to ask.
        takesMethodFlags: (command as unknown as { _allowUnknownOption: boolean })._allowUnknownOption,
        hasSubcommands: command.commands.length > 0,
      },
    ]),
  ),
  methodFlags: new Set(Object.values(METHODS).flatMap(({ fields }) => Object.keys(fields).map(flagOf))),
  exists: (file) => existsSync(path.join(ROOT, file)),
};

describe('quoted commands', () => {
  const problem = (line: string) => {
    const [quoted, ...more] = quotedCommands(`\`\`\`sh\n${line}\n\`\`\`\n`);
    expect(more).toEqual([]);
    return problemOf(quoted!, KNOWN);
  };

  test.each([
    'npx nx run nlu:cola --method=oft --oft-block-size=8   # another method',
    'npx nx run nlu:rte -c paper --dry-run',
    'npx psoft methods oft',
    "psoft runs list --where 'score>90' --sort=-score",
    'psoft predict RUN --input - --format jsonl',
    'psoft runs COMMAND',
    'npx psoft --help',
    'npm run docs:operators',
    'npx tsx packages/cli/examples/quickstart.ts MODEL_FOLDER TEXTS.txt OUT',
  ])('%s is one', (line) => {
    expect(problem(line)).toBeUndefined();
  });

  test.each([
    ['npx nx run nlu:colla', 'there is no target nlu:colla'],
    ['npx nx run nlu:cola --no-such-thing=1', 'psoft train has no option --no-such-thing'],
    ['npx nx run nlu:rte -c papers', 'nlu:rte has no configuration papers; it has tiny, paper'],
    ['npx psoft methodes', 'psoft has no command methodes'],
    ['psoft runs lists', 'psoft has no command runs lists'],
    ['psoft merge RUN --output x', 'psoft merge has no option --output'],
    ['npm run doc', 'package.json has no script doc'],
    ['npx tsx tools/none.ts', 'there is no tools/none.ts'],
  ])('%s is none', (line, said) => {
    expect(problem(line)).toBe(said);
  });

  test('are found in shell blocks and in sentences, not in other code', () => {
    const text =
      'Ask `psoft runs` or `psoftly`, then\n\n```sh\necho a | npx psoft score X\nls\n```\n\n```ts\npsoft(1);\n```\n';
    expect(quotedCommands(text).map(({ words }) => words.join(' '))).toEqual([
      'psoft runs',
      'npx psoft score X',
    ]);
  });
});

describe('markdown', () => {
  test('headings get the anchors of code hosts', () => {
    const id = headingIds();
    const names = ['What it costs', 'PEFT’s `files`, again!', 'What it costs', 'Ünïcode & more'];
    expect(names.map(id)).toEqual(['what-it-costs', 'pefts-files-again', 'what-it-costs-1', 'ünïcode--more']);
  });

  test('tables and code scroll by keyboard, text is escaped, links are resolved', () => {
    const { html, headings } = renderMarkdown(
      '# A `<b>`\n\n[x](y.md) ![z](p.png)\n\n| a | b |\n|---|--:|\n| 1 | `<i>` |\n\n```ts\na < b;\n```\n',
      (href) => `to-${href}`,
    );
    expect(headings).toEqual([{ depth: 1, text: 'A <b>', id: 'a-b' }]);
    expect(html).toContain('<a href="to-y.md">x</a> <img src="to-p.png" alt="z" loading="lazy">');
    expect(html).toContain(
      'role="region" aria-label="Table" tabindex="0"><table><thead><tr><th scope="col">',
    );
    expect(html).toContain('<td class="right"><code>&lt;i&gt;</code></td>');
    expect(html).toContain('a &#60; b;');
  });
});

describe('links', () => {
  const root = path.join(folder, 'links');
  mkdirSync(path.join(root, 'docs/inner'), { recursive: true });
  mkdirSync(path.join(root, 'docs/read'), { recursive: true });
  writeFileSync(path.join(root, 'docs/read/README.md'), '# R\n');
  writeFileSync(path.join(root, 'docs/a.md'), '# A\n\n## One two\n');
  const reason = (href: string) => {
    const found = targetOf(root, 'docs/a.md', href);
    return 'reason' in found ? found.reason : `${found.file} ${found.anchor}`;
  };

  test.each([
    ['#one-two', 'docs/a.md one-two'],
    ['a.md#one-two', 'docs/a.md one-two'],
    ['#three', 'docs/a.md has no heading #three'],
    ['b.md', 'there is no docs/b.md'],
    ['inner', 'docs/inner '],
    ['read', 'docs/read/README.md '],
    ['../../outside.md', 'leaves the repository'],
  ])('%s: %s', (href, said) => {
    expect(reason(href)).toBe(said);
  });
});

describe('the site', () => {
  const out = path.join(folder, 'site');
  const declarations = path.join(folder, 'compiled');
  mkdirSync(path.join(declarations, 'a/src'), { recursive: true });
  writeFileSync(
    path.join(declarations, 'a/src/index.d.ts'),
    `/** What it is for. */\nexport { f, type Shape as Form } from './f.js';\nexport declare const LIMIT = 3;\nexport { readFile } from 'node:fs/promises';\n`,
  );
  writeFileSync(
    path.join(declarations, 'a/src/f.d.ts'),
    `/**\n * Does it, see {@link Form} and {@link Nobody}.\n * @param x how often,\n *   at most thrice\n * @throws Error never\n */\nexport declare function f(x: number): Shape;\n/** A form. */\nexport interface Shape {\n    /** Metres. */\n    readonly width: number;\n}\n`,
  );
  const api = readApi(
    [{ name: '@psoft/a', file: path.join(declarations, 'a/src/index.d.ts') }],
    declarations,
  );
  let count = 0;
  beforeAll(() => {
    count = writeSite({ root: ROOT, out, api });
  });
  const page = (name: string) => readFileSync(path.join(out, name), 'utf8');

  test('the reference has every export, with its comment and tags', () => {
    const [{ comment, items, handedOn }] = api as [(typeof api)[number]];
    expect([comment, handedOn]).toEqual(['What it is for.', ['readFile']]);
    expect(items.map(({ name, kind, source }) => [name, kind, source])).toEqual([
      ['f', 'function', 'a/src/f.ts'],
      ['Form', 'interface', 'a/src/f.ts'],
      ['LIMIT', 'value', 'a/src/index.ts'],
    ]);
    expect(items[0]).toMatchObject({
      code: 'function f(x: number): Shape;',
      tags: [
        { name: 'param', text: 'x how often,\nat most thrice' },
        { name: 'throws', text: 'Error never' },
      ],
    });
    expect(items[1]!.code).toBe('interface Shape {\n  /** Metres. */\n  readonly width: number;\n}');
    expect(items[2]!.code).toBe('const LIMIT = 3;');
    const html = page('api/a.html');
    expect(html).toContain('see <a href="#Form"><code>Form</code></a> and <code>Nobody</code>');
    expect(html).toContain('<dt>parameter</dt>');
  });

  test('the comment of a file is not that of its first declaration', () => {
    expect(fileComment('/** A file. */\nimport a from "b";\n')).toBe('A file.');
    expect(fileComment('/** A function. */\nexport declare function f(): void;\n')).toBe('');
    expect(
      fileComment('/** One. */\nexport declare const a = 1;\n/** Two. */\nexport { b } from "b";\n'),
    ).toBe('');
  });

  test('every link of every page leads to a file that is there, and to a place in it', () => {
    // The page of results is copied as it is, and tested by itself.
    const copied = [...collectPages(ROOT, [ENTRANCE]).pages.values()].filter(({ kind }) => kind === 'asset');
    const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.html') && !copied.some(({ target }) => target === name),
    );
    expect(files).toHaveLength(count);
    expect(files.length).toBeGreaterThan(DOCS.length);
    const ids = new Map(
      files.map((file) => [file, new Set([...page(file).matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
    );
    const lost: string[] = [];
    for (const file of files)
      for (const [, link] of page(file).matchAll(/(?:href|src)="([^"]+)"/g)) {
        const href = link!.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
        if (isExternal(href)) continue;
        const [place, anchor] = href.split('#') as [string, string?];
        const target =
          place === '' ? file : path.posix.join(path.posix.dirname(file), decodeURIComponent(place));
        if (!existsSync(path.join(out, target))) lost.push(`${file}: ${href}`);
        else if (anchor && !ids.get(target)?.has(decodeURIComponent(anchor))) lost.push(`${file}: ${href}`);
      }
    expect(lost).toEqual([]);
  });

  test('pages need no network and no script, and say where they are', () => {
    const html = page('engine.html');
    expect(html).not.toMatch(/<script|<link[^>]+https?:|<img[^>]+https?:|@import/);
    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<main id="content"');
    expect(html).toContain('<a class="skip" href="#content">');
    expect(html.match(/aria-current="page"/g)).toHaveLength(1);
    expect(html.match(/<h1 /g)).toHaveLength(1);
  });

  test('text stands out from its background in both themes', () => {
    for (const { background, surface, text, muted, link } of Object.values(THEMES))
      for (const below of [background, surface])
        for (const colour of [text, muted, link])
          expect(contrast(colour, below), `${colour} on ${below}`).toBeGreaterThan(4.5);
  });
});

/** Of WCAG 2. */
function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r, g, b] = parts.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
