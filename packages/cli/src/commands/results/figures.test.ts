import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { FIGURES } from '@psoft/results/report/figures';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../main.ts';
import { findExperiments, ROOT } from '../../workspace.ts';
import { buildFigures } from './figures.ts';
import { planTable } from './plan.ts';

const experiments = findExperiments();
const results = path.join(ROOT, 'results');

describe.each(['tiny', 'paper'])('plans, profile %s', (profile) => {
  test.each(FIGURES.map((spec) => [spec.id, spec] as const))(
    '%s is made of runs that there are',
    (_, { sources }) => {
      for (const source of sources) {
        const { rows, tasks } = planTable(source, experiments, { profile })!;
        for (const task of source.tasks) expect(tasks).toContain(task);
        const keys = rows.map(({ key }) => key);
        for (const key of source.rows ?? []) expect(keys).toContain(key);
        expect(rows.length).toBeGreaterThan(1);
      }
    },
  );
});

test('every command that fills a figure is a target of Nx', async () => {
  for (const profile of ['tiny', 'paper']) {
    const figures = await buildFigures(profile, { resultsDir: path.join(os.tmpdir(), 'no-such-results') });
    for (const { commands, id } of figures) {
      expect(commands.length, id).toBeGreaterThan(0);
      for (const command of commands) {
        const [, project, target] = /^npx nx run (\w+):([\w-]+)/.exec(command)!;
        const folder = project === 'bench' ? 'packages/cli' : 'experiments';
        const file = path.join(ROOT, folder, project!, 'project.json');
        expect(JSON.parse(await readFile(file, 'utf8')).targets, command).toHaveProperty(target!);
      }
    }
  }
});

test('the committed records draw what the README and the docs show', async () => {
  const figures = await buildFigures('tiny', { resultsDir: results });
  const drawn = figures.filter(({ chart }) => chart !== undefined).map(({ id }) => id);
  expect(drawn).toEqual(expect.arrayContaining(['figure4a', 'figure4b', 'figure9', 'figure10', 'figure11']));
  // Of bench records, which there are.
  for (const id of ['figure4a', 'figure4b'])
    expect(figures.find((one) => one.id === id)!.from.shapes, id).toEqual(['vit, 2 layers of width 64']);
  const { notes } = figures.find(({ id }) => id === 'figure9')!;
  const [, strict] = /^PSOFT, strict: largest change of an angle ([\d.]+)°/.exec(notes.join('\n'))!;
  // The theorem, measured on a real run: float32's resolution and no more.
  expect(Number(strict)).toBeLessThan(1e-4);
});

describe('psoft results figures', () => {
  let out: string;
  let printed: string;
  beforeEach(async () => {
    out = await mkdtemp(path.join(os.tmpdir(), 'psoft-figures-'));
    printed = '';
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        printed += text;
        return true;
      });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(out, { recursive: true });
  });
  const run = (...args: string[]) => main(['results', 'figures', '--out', out, ...args]);

  test('writes drawings, pictures, specifications and captions, and says what is missing', async () => {
    expect(await run('--profile=paper', '--results-dir', path.join(out, 'none'))).toBe(0);
    const drawn = ['figure3', 'figure4b'].flatMap((id) =>
      ['png', 'svg', 'vl.json'].map((end) => `${id}.${end}`),
    );
    expect((await readdir(path.join(out, 'paper'))).sort()).toEqual(['captions.md', ...drawn].sort());
    const specification = JSON.parse(await readFile(path.join(out, 'paper', 'figure3.vl.json'), 'utf8'));
    expect(specification).toMatchObject({
      $schema: expect.stringContaining('vega-lite'),
      config: { background: '#ffffff' },
    });
    expect(printed).toContain('Figure 9, profile paper: no data yet; npx nx run nlu:figure9 -c paper');
  }, 120_000);

  test('draws one figure of one theme, and leaves the captions alone', async () => {
    expect(await run('--profile=tiny', '--figures=figure11', '--theme=dark')).toBe(0);
    expect((await readdir(path.join(out, 'tiny'))).sort()).toEqual(
      ['png', 'svg', 'vl.json'].map((end) => `figure11-dark.${end}`),
    );
  }, 120_000);

  test('names the figures that there are', async () => {
    expect(await run('--figures=figure1')).toBe(1);
    expect(printed).toContain('unknown figure "figure1"; known: figure3, figure4a');
  });
});
