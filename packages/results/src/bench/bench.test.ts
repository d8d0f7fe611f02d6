import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { growthChart } from '../charts/growth.ts';
import { renderSvg } from '../charts/render.ts';
import { readPaper } from '../paper/index.ts';
import { buildTable } from '../report/tables/build.ts';
import { TABLE_SPECS } from '../report/tables/specs/index.ts';
import { readRecords } from '../store.ts';
import {
  type BenchPoint,
  type BenchRecord,
  benchHash,
  benchMeasurements,
  benchPath,
  checkBench,
  fitLine,
  fitPower,
  GROWTH,
  growthSeries,
  growthTable,
  readBenches,
  TABLE_SIZES,
  writeBench,
} from './index.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-benches-'));
afterAll(() => rm(folder, { recursive: true }));

const SYSTEM = {
  ...{ os: 'linux', osRelease: '6', architecture: 'x64', cpuModel: 'CPU', cores: 2, memoryBytes: 1e9 },
  ...{ node: '20.20.2', executor: 'onnx', executionProvider: 'cpu' },
};

function recordOf(
  point: Partial<BenchPoint>,
  outcome: Partial<NonNullable<BenchRecord['measured']>> | string = {},
  more: { readonly system?: object; readonly createdAt?: string } = {},
): BenchRecord {
  const whole: BenchPoint = {
    ...{ profile: 'tiny', shape: 'linear', kind: 'passes', method: 'psoft' },
    ...{ adapter: { r: 64 }, batch: 4, length: 64, layers: 1, hidden: 512 },
    ...{ executor: 'cpu', precision: 'f32', weights: 'F32' },
    ...point,
  };
  const systemInfo = { ...SYSTEM, ...more.system };
  const measured = {
    ...{ passes: 5, stepMilliseconds: 8, bestStepMilliseconds: 6, peakMemoryBytes: 2e8, trained: 10 },
    ...{ losses: [1, 0.5] },
    ...(typeof outcome === 'string' ? {} : outcome),
  };
  return {
    schemaVersion: 1,
    point: whole,
    hash: benchHash(whole, systemInfo),
    createdAt: more.createdAt ?? '2026-11-28T12:00:00.000Z',
    ...(typeof outcome === 'string' ? { unavailable: outcome } : { measured }),
    metaInfo: { packageInfo: {}, systemInfo },
  };
}

describe('the store', () => {
  test('keeps one record a point and machine, away from those of runs', async () => {
    const [one, other] = [recordOf({}), recordOf({}, {}, { system: { cores: 4 } })];
    await writeBench(folder, recordOf({}, { trained: 9 }));
    const file = await writeBench(folder, one);
    await writeBench(folder, other);
    expect(path.relative(folder, file)).toMatch(/^bench\/tiny\/linear\/psoft-passes-[0-9a-f]{8}\.json$/);
    const { records, skipped } = await readBenches(folder);
    expect(skipped).toEqual([]);
    expect(records).toHaveLength(2);
    expect(records).toContainEqual(one);
    expect(await readRecords(folder)).toEqual({ records: [], skipped: [] });
  });

  test('names what is no record, and refuses to write it', async () => {
    const record = recordOf({ method: 'lora' });
    await writeFile(path.join(folder, 'bench', 'tiny', 'linear', 'x.json'), '{}');
    await writeFile(path.join(folder, 'bench', 'tiny', 'linear', 'y.json'), JSON.stringify(record));
    const { skipped } = await readBenches(folder);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      'schemaVersion: missing',
      `is the record of ${benchPath(record)}`,
    ]);
    await expect(writeBench(folder, { ...record, hash: 'a'.repeat(64) })).rejects.toThrow(/hash: is not/);
    expect(() => checkBench({ ...record, unavailable: 'x' })).toThrow(/not both/);
    expect(() => checkBench({ ...record, schemaVersion: 2 })).toThrow(/2 is not known/);
  });
});

test('what is committed is read whole', async () => {
  const results = fileURLToPath(new URL('../../../../results', import.meta.url));
  const { records, skipped } = await readBenches(results);
  expect(skipped).toEqual([]);
  expect(records.length).toBeGreaterThan(0);
});

describe('Tables 19 to 22', () => {
  const describeSystem = ({ cpuModel, cores }: { cpuModel: string; cores: number }) => `${cpuModel} ${cores}`;
  const passes = { forwardMilliseconds: 2, backwardMilliseconds: 4, forwardPeakMemoryBytes: 1e8 };

  test('find their rows by method and setting, add what the paper lacks, and give reasons', async () => {
    const records = [
      recordOf({}, passes),
      recordOf({ method: 'boft', adapter: { boftBlockSize: 4, boftNButterflyFactor: 4 } }, passes),
      recordOf({ method: 'lora', adapter: { r: 8 } }, passes),
      recordOf({ method: 'goft', adapter: {} }, 'out of memory'),
      // Trials: another size, another precision.
      recordOf({ batch: 8 }, passes),
      recordOf({ precision: 'bf16' }, passes),
    ];
    const { measured, notes } = benchMeasurements('table19', 'tiny', records, describeSystem);
    expect(new Set(measured.map(({ row }) => row))).toEqual(
      new Set(['PSOFT r=64', 'BOFT b=4 m=4', 'LoRA r=8', 'GOFTv2']),
    );
    expect(notes[0]).toMatch(/^Measured on CPU 2, float32; memory is the process’s/);
    const spec = TABLE_SPECS.find(({ id }) => id === 'table19')!;
    const paper = await readPaper();
    const table = buildTable({ spec, paper, profile: 'tiny', records: [], measured, measuredNotes: notes });
    const row = (label: string) => table.rows.find(({ key }) => key === label)!.cells;
    expect(row('PSOFT r=64')).toMatchObject({
      peak_memory_fp_gb: { ours: { mean: 0.1 } },
      peak_memory_bp_gb: { ours: { mean: 0.2, n: 5 } },
      runtime_fp_ms: { ours: { mean: 2 } },
      runtime_bp_ms: { ours: { mean: 4 } },
    });
    expect(row('LoRA r=8').runtime_fp_ms).toMatchObject({ ours: { mean: 2 } });
    expect(row('GOFTv2').runtime_fp_ms).toEqual({ unavailable: 'out of memory' });
    expect(row('PSOFT r=32').runtime_fp_ms).toMatchObject({ missing: { command: 'npx nx run bench:speed' } });
    expect(table.notes).toContain(notes[0]);
  });

  test('show one machine: the one that measured the most; memory of the card where there is one', () => {
    const at = (length: number, more: object, outcome: object = {}) =>
      recordOf(
        {
          profile: 'paper',
          shape: 'deberta',
          kind: 'step',
          length,
          ...TABLE_SIZES.paper!.table21!,
          adapter: { r: 46 },
        },
        outcome,
        more,
      );
    const card = { system: { executionProvider: 'cuda', accelerator: 'H100' } };
    const records = [
      at(64, {}),
      at(64, card, { peakDeviceMemoryBytes: 3e9 }),
      at(128, card, { peakDeviceMemoryBytes: 5e9 }),
    ];
    const { measured, notes } = benchMeasurements('table21', 'paper', records, describeSystem);
    expect(measured).toEqual([
      { table: 'table21', row: 'PSOFT r=46', column: 'peak_memory_gb_s64', mean: 3, n: 5 },
      { table: 'table21', row: 'PSOFT r=46', column: 'peak_memory_gb_s128', mean: 5, n: 5 },
    ]);
    expect(notes).toEqual([
      'Measured on CPU 2, float32; memory is the card’s.',
      'Left out: 1 records of other machines or devices.',
    ]);
  });
});

describe('growth', () => {
  const points = (f: (x: number) => number) => [1, 2, 4, 8, 16].map((x) => ({ x, y: f(x) }));

  test('a power and a line are found again, and what they leave over is said', () => {
    expect(fitPower(points((x) => 3 * x ** 1.5))).toMatchObject({
      factor: expect.closeTo(3, 10),
      exponent: expect.closeTo(1.5, 10),
      residual: expect.closeTo(0, 10),
    });
    expect(fitLine(points((x) => 5 + 2 * x))).toMatchObject({
      offset: expect.closeTo(5, 10),
      slope: expect.closeTo(2, 10),
      residual: expect.closeTo(0, 10),
    });
    // A square is no line.
    expect(fitLine(points((x) => x ** 2)).residual).toBeGreaterThan(0.2);
    // One point a tenth off of five: 0.1 / √5, less what the fit takes of it.
    const noisy = points((x) => x).map(({ x, y }, i) => ({ x, y: i === 2 ? 1.1 * y : y }));
    expect(fitPower(noisy).residual).toBeGreaterThan(0.03);
    expect(fitPower(noisy).residual).toBeLessThan(0.045);
    expect(() =>
      fitPower([
        { x: 1, y: 1 },
        { x: 2, y: 2 },
      ]),
    ).toThrow(/three sizes/);
    expect(() => fitLine(points((x) => x - 1))).toThrow(/above 0/);
  });

  test('records make series, a table and a chart', async () => {
    const { base, values, shape } = GROWTH.tiny;
    const at = (batch: number) => {
      const { rank, ...sizes } = { ...base, batch };
      return recordOf(
        { shape, kind: 'step', adapter: { r: rank }, ...sizes },
        { bestStepMilliseconds: 2 * batch, peakMemoryBytes: 1e8 + 1e6 * batch },
      );
    };
    const series = growthSeries(values.batch.map(at), 'tiny');
    expect(series.map(({ axis, method }) => [axis, method])).toEqual([['batch', 'psoft']]);
    expect(series[0]!.timePower.exponent).toBeCloseTo(1, 10);
    expect(series[0]!.memoryLine.slope).toBeCloseTo(1e6, 0);
    expect(growthTable(series).at(-1)).toMatch(
      /batch .* 2 .* 32 .* psoft .* x\^1\.00 .* 0 % .* 1\.00 MB .* 0 %/,
    );
    const svg = await renderSvg(growthChart(series, 'a machine'));
    expect(svg).toContain('batch (sequences)');
    expect(() => growthChart([], '')).toThrow(/nothing to draw/);
  });
});
