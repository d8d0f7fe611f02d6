/** Records of runs, and results of other programs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { checkAngles } from '../../../packages/results/src/angles/schema.ts';
import {
  curveTable,
  runTable,
  toCsv,
  toJson,
  toParquet,
} from '../../../packages/results/src/exchange/index.ts';
import {
  openSource,
  readExportedRuns,
  readResults,
  restoreRuns,
} from '../../../packages/results/src/exchange/import/index.ts';
import { maskedCrc32c } from '../../../packages/results/src/exchange/import/tensorboard/tfrecord.ts';
import { configHash, identityOf, recordPath } from '../../../packages/results/src/identity.ts';
import { writeImported } from '../../../packages/results/src/imported/index.ts';
import { readRecordFile } from '../../../packages/results/src/parse.ts';
import { runEntry, readImports, readRuns } from '../../../packages/results/src/query/index.ts';
import { RecordError, type RunRecord } from '../../../packages/results/src/schema.ts';
import { peftResult } from '../../../packages/results/test/foreign.ts';
import { evaluationRecord, sampleRecord, trainingRecord } from '../../../packages/results/test/records.ts';
import { filesOf, readInput, repositoryFile, withChanged } from '../files.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateMessage } from '../mutate/protobuf.ts';
import { mutateText } from '../mutate/text.ts';
import type { Random } from '../random.ts';
import { expectThat, type Files, type Target } from '../target.ts';

const WORDS = [
  ...[
    'schemaVersion',
    'runInfo',
    'trainInfo',
    'metaInfo',
    'experiment',
    'task',
    'profile',
    'method',
    'variant',
    'seed',
    'seeds',
  ],
  ...[
    'status',
    'error',
    'failed',
    'completed',
    'configHash',
    'test',
    'best',
    'metrics',
    'selection',
    'loss',
    'accuracy',
    'charts',
  ],
  ...[
    'imported',
    'aux',
    'con.txt',
    '..',
    '../../../x',
    'a/b',
    '2026-01-31T12:00:00.000Z',
    'splits',
    'fingerprint',
    'importedFrom',
  ],
];

/** Half of the changed records get the hash of what they now hold: the check of it hides what comes after. */
function sealedAgain(text: string, random: Random): string {
  if (random.chance(0.4)) return text;
  try {
    const record = JSON.parse(text) as RunRecord;
    const runInfo = { ...record.runInfo, configHash: configHash(identityOf(record)) };
    return JSON.stringify({ ...record, runInfo });
  } catch {
    return text;
  }
}

const samples = () => [
  sampleRecord(),
  sampleRecord({ variant: 'strict', status: 'failed', reference: 0.8 }),
  trainingRecord(),
  evaluationRecord(),
];

const ANGLES = {
  schemaVersion: 1,
  run: {
    profile: 'tiny',
    experiment: 'nlu',
    task: 'cola',
    method: 'psoft',
    seed: 1,
    configHash: 'a'.repeat(64),
  },
  model: { name: 'm', fingerprint: 'b'.repeat(64) },
  ...{ rank: 2, modules: 1, columns: 2, shown: { module: 'a', columns: [0, 1] } },
  ...Object.fromEntries(
    ['principal', 'whole'].map((name) => [
      name,
      {
        before: [[0]],
        after: [[0]],
        change: { pairs: 1, largest: 0, mean: 0, largestNormChange: 0, histogram: [1] },
      },
    ]),
  ),
};

export const records: Target = {
  name: 'records',
  async seeds() {
    const places = samples().map((record) =>
      filesOf({ [recordPath(identityOf(record))]: JSON.stringify(record) }),
    );
    return [...places, filesOf({ 'angles.json': JSON.stringify(ANGLES) })];
  },
  mutate: (files, random) =>
    withChanged(files, random, (_, content) =>
      sealedAgain(mutateJson(String(content), random, WORDS), random),
    ),
  async read(folder, files) {
    const [name] = [...files.keys()] as [string];
    if (name === 'angles.json') {
      // Its readers name the file and pass the message on.
      try {
        return void checkAngles(JSON.parse(String(files.get(name))));
      } catch (error) {
        if (error instanceof SyntaxError) return;
        throw new RecordError(`${name}: ${(error as Error).message}`);
      }
    }
    const record = await readRecordFile(path.join(folder, name));
    const { entries, unread } = await readRuns(folder);
    expectThat(entries.length + unread.length === 1, 'a record is read or named');
    if (unread[0] !== undefined) throw new RecordError(unread[0]);
    const home = [runEntry(record, name)];
    const table = runTable(home);
    expectThat(
      toCsv(table).length > 0 && toParquet(table).length > 0 && toJson(home).length > 0,
      'it can be exported',
    );
    toCsv(curveTable(home));
    recordPath(identityOf(record));
  },
};

/** TensorBoard's records, each with the sums that it needs. */
function tfRecords(records: readonly Uint8Array[]): Buffer {
  const sum = (bytes: Uint8Array) => {
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(maskedCrc32c(bytes));
    return crc;
  };
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(record.length));
      return [length, sum(length), record, sum(record)];
    }),
  );
}

function mutateEvents(bytes: Uint8Array, random: Random): Uint8Array {
  const buffer = Buffer.from(bytes);
  const records: Uint8Array[] = [];
  for (let at = 0; at + 12 <= buffer.length; ) {
    const length = Number(buffer.readBigUInt64LE(at));
    if (at + 16 + length > buffer.length) break;
    records.push(buffer.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
  if (records.length === 0 || random.chance(0.1)) return mutateBytes(bytes, random);
  const place = random.int(records.length);
  if (random.chance(0.1)) return tfRecords(records.toSpliced(place, 1));
  return tfRecords(records.with(place, mutateMessage(records[place]!, random)));
}

const WANDB_CHART =
  'Step,run a - loss,run a - loss__MIN,run a - loss__MAX,b - acc\n0,1.5,1.4,1.6,\n1,1.2,1.2,1.2,0.5\n';
const WANDB_HISTORY = ',_step,_runtime,loss,name\n0,0,1.5,2.5,x\n1,1,3,2.25,y\n';
const WANDB_RUNS =
  'Name,State,Created,Runtime,seed,lr,acc\n"run a",finished,2026-01-01T00:00:00.000Z,60,1,0.001,0.5\nb,crashed,,,2,,\n';

export const imports: Target = {
  name: 'imports',
  async seeds() {
    const events = await Promise.all(
      ['plain', 'tensors', 'restarted'].map((name) =>
        repositoryFile(
          `packages/results/test/fixtures/tensorboard/${name}/events.out.tfevents.1780000000.host.1.0`,
        ),
      ),
    );
    const exported = toJson(samples().map((record) => runEntry(record, 'x.json')));
    return [
      ...events.map((file) => filesOf({ 'events.out.tfevents': file })),
      filesOf({ 'result.json': JSON.stringify(peftResult()) }),
      filesOf({
        'result.json': JSON.stringify(peftResult({ status: 'failed', error: 'CUDA', isTested: false })),
      }),
      filesOf({ 'export.json': exported }),
      ...[WANDB_CHART, WANDB_HISTORY, WANDB_RUNS].map((text) => filesOf({ 'wandb.csv': text })),
    ];
  },
  mutate: (files, random) =>
    withChanged(files, random, (name, content) => {
      if (name.endsWith('.json')) {
        const changed = mutateJson(String(content), random, [
          ...WORDS,
          'run_info',
          'train_info',
          'peft_config',
          'records',
          'format',
        ]);
        if (name !== 'export.json') return changed;
        try {
          const file = JSON.parse(changed);
          return JSON.stringify({
            ...file,
            records: file.records.map((one: object) => JSON.parse(sealedAgain(JSON.stringify(one), random))),
          });
        } catch {
          return changed;
        }
      }
      return name.endsWith('.csv')
        ? mutateText(String(content), random, ['Name', 'State', '_step', ' - ', '__MIN'])
        : mutateEvents(content, random);
    }),
  async read(folder, files) {
    const [name] = [...files.keys()] as [string];
    const root = path.join(folder, 'results');
    const source = await openSource(path.join(folder, name), '2026-01-31T12:00:00.000Z');
    const found = readResults(source);
    const places = new Set<string>();
    for (const record of found) places.add((await writeImported(root, record)).file);
    const { entries, unread } = await readImports(root);
    expectThat(
      unread.length === 0 && entries.length === places.size,
      `what was written is read back: ${unread[0]}`,
    );
    toCsv(runTable(entries));
    toCsv(curveTable(entries));
    if (name === 'export.json') await restoreRuns(root, readExportedRuns(source));
    onlyBelow(await readInput(folder), files);
    // Formats that were not recognised, asked for by name.
    for (const format of ['wandb-runs', 'wandb-history', 'tensorboard'] as const)
      if (name === 'wandb.csv') readResults(source, format);
  },
};

function onlyBelow(now: Files, before: Files): void {
  for (const name of now.keys())
    expectThat(
      before.has(name) || /^results\/(imported|tiny)\/[a-z0-9./_-]+\.json$/.test(name),
      `${name} lies where it belongs`,
    );
  expectThat(!existsSync('/tmp/polluted'), 'nothing is written elsewhere');
}
