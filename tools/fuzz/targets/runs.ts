/** What runs leave behind, and files of settings. */
import path from 'node:path';
import { checkSweep, readSweep } from '../../../packages/cli/src/sweep/spec.ts';
import { pointsOf } from '../../../packages/cli/src/sweep/points.ts';
import { verdictsOf } from '../../../packages/training/src/run/evaluate/generations.ts';
import { openGenerations, scoreAgain } from '../../../packages/training/src/run/evaluate/index.ts';
import { CheckpointFile } from '../../../packages/training/src/run/checkpoint.ts';
import { loadRun } from '../../../packages/training/src/run/saved.ts';
import { filesOf, withChanged } from '../files.ts';
import { putTogether } from '../formats/safetensors.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateText } from '../mutate/text.ts';
import { expectThat, type Target } from '../target.ts';
import { mutateSafetensors } from './weights.ts';

const KEY = { configHash: 'c'.repeat(64), executor: 'cpu', threads: 0, versions: '1' };
const SIZE = 6;

function checkpointBytes(isBest: boolean): Buffer {
  const description = {
    ...KEY,
    format: 2,
    ...{ step: 3, epoch: 0, batch: 3, optimiserStep: 3, seconds: 1.5, continued: 0 },
    rows: [{ epoch: 1, step: 2, trainLoss: 1, selection: { accuracy: 1 }, learningRate: 0.1 }],
    meter: { loss: 1, norm: 1, milliseconds: [1, 2], tokens: 3 },
    ...(isBest ? { best: { epoch: 1, step: 2, metric: 0.5 } } : {}),
  };
  const names = ['values', 'firstMoment', 'secondMoment', ...(isBest ? ['best'] : [])];
  const header = {
    __metadata__: { state: JSON.stringify(description) },
    ...Object.fromEntries(
      names.map((name, i) => [
        name,
        { dtype: 'F32', shape: [SIZE], data_offsets: [4 * SIZE * i, 4 * SIZE * (i + 1)] },
      ]),
    ),
  };
  return putTogether({ header: JSON.stringify(header), data: Buffer.alloc(4 * SIZE * names.length) });
}

export const runCheckpoint: Target = {
  name: 'run-checkpoint',
  async seeds() {
    return [true, false].map((isBest) => filesOf({ 'checkpoint.safetensors': checkpointBytes(isBest) }));
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) => {
      if (random.chance(0.4)) return mutateSafetensors(content, random, other.get(name) ?? content);
      // The state is JSON in a text of the header's JSON.
      const text = Buffer.from(content.subarray(8)).toString('latin1');
      const end = text.lastIndexOf('}}') + 2;
      try {
        const header = JSON.parse(text.slice(0, end));
        header.__metadata__.state = mutateJson(header.__metadata__.state, random, [
          'best',
          'rows',
          'meter',
          'step',
        ]);
        return putTogether({ header: JSON.stringify(header), data: content.subarray(8 + end) });
      } catch {
        return mutateBytes(content, random);
      }
    }),
  async read(folder) {
    const { state, seconds, continued } = await new CheckpointFile(folder, KEY).read(SIZE);
    const counts = [state.step, state.epoch, state.batch, state.optimiser.step, continued];
    expectThat(
      counts.every((one) => Number.isSafeInteger(one) && one >= 0) && seconds >= 0,
      'counts are counts',
    );
    expectThat(
      Array.isArray(state.rows) && typeof state.meter === 'object' && state.meter !== null,
      'rows and meter are there',
    );
    expectThat(state.best === undefined || Number.isFinite(state.best.metric), 'the best has a metric');
  },
};

const TRAINING = {
  ...{
    epochs: 1,
    batchSize: 2,
    learningRate: 0.1,
    headLearningRate: 0.1,
    weightDecay: 0,
    warmupRatio: 0,
    maxGradNorm: 1,
  },
  ...{ maxLength: 16, buckets: [16] },
};
const RUN = {
  ...{ experiment: 'nlu', task: 'cola', profile: 'tiny', method: 'psoft', seed: 1 },
  model: { name: 'm', folder: 'model' },
  adapter: { r: 4 },
  training: TRAINING,
};
const EVALUATION = {
  ...{ experiment: 'math', task: 'gsm8k', profile: 'tiny' },
  training: { ...RUN, experiment: 'math', task: 'train' },
  evaluation: {
    scorer: 'paper',
    maxNewTokens: 8,
    strategy: { kind: 'greedy' },
    merge: true,
    batchSize: 2,
    buckets: [16],
  },
};
const GENERATION = {
  ...{
    index: 0,
    promptHash: 'a',
    prompt: 'How?',
    reference: '#### 5',
    text: 'The answer is: 5',
    tokens: 3,
    end: 'end',
  },
  verdicts: { paper: { isCorrect: true, answer: '5' } },
};

export const runFolder: Target = {
  name: 'run-folder',
  async seeds() {
    return [
      filesOf({ 'run.json': JSON.stringify(RUN) }),
      filesOf({ 'run.json': JSON.stringify({ ...RUN, experiment: 'math', task: 'train' }) }),
    ];
  },
  mutate: (files, random) =>
    withChanged(files, random, (_, content) =>
      mutateJson(String(content), random, ['model', 'folder', 'name', 'experiment', 'task']),
    ),
  // There is no model: what is fuzzed is how far it comes.
  read: async (folder) => void (await loadRun(folder, {}, path.join(folder, 'model'))),
};

export const generations: Target = {
  name: 'generations',
  async seeds() {
    const line = JSON.stringify(GENERATION);
    return [
      filesOf({ 'evaluation.json': JSON.stringify(EVALUATION), 'generations.jsonl': `${line}\n${line}\n` }),
    ];
  },
  mutate: (files, random) =>
    withChanged(files, random, (name, content) => {
      const text = String(content);
      if (name.endsWith('.json'))
        return mutateJson(text, random, ['evaluation', 'scorer', 'gsm8k', 'math', 'training']);
      const lines = text.split('\n');
      return random.chance(0.7)
        ? lines
            .with(
              0,
              mutateJson(lines[0]!, random, ['verdicts', 'text', 'end', 'choices', 'reference', 'prompt']),
            )
            .join('\n')
        : mutateText(text, random);
    }),
  async read(folder) {
    const { definition, rows } = await openGenerations(folder);
    const again = scoreAgain(definition, rows);
    expectThat(again.rows.length === rows.length, 'every row is scored again');
    for (const row of rows) verdictsOf(definition, row);
  },
};

const SWEEP = {
  title: 'Ranks',
  experiment: 'commonsense',
  tasks: ['boolq', 'piqa'],
  seeds: { tiny: [1, 2] },
  profiles: { tiny: { epochs: 1 } },
  series: [
    {
      name: 'PSOFT',
      method: 'psoft',
      grid: { rank: [2, 4], learningRate: { tiny: [0.1, 0.2], paper: [1e-4] } },
    },
    { name: 'LoRA', method: 'lora', set: { alpha: 8 }, list: [{ rank: 2 }, { rank: 4 }] },
  ],
};

export const sweeps: Target = {
  name: 'sweeps',
  async seeds() {
    return [filesOf({ 'sweep.json': JSON.stringify(SWEEP) })];
  },
  mutate: (files, random) =>
    withChanged(files, random, (_, content) =>
      mutateJson(String(content), random, [
        'grid',
        'list',
        'set',
        'series',
        'tasks',
        'seeds',
        'tiny',
        'rank',
        'method',
        'lora',
        'boolq',
        'math',
      ]),
    ),
  async read(folder, files) {
    const file = path.join(folder, 'sweep.json');
    const sweep = readSweep(file);
    for (const profile of Object.keys(sweep.seeds))
      for (const point of pointsOf(sweep, profile))
        expectThat(typeof point.series === 'string', 'points have a series');
    checkSweep(JSON.parse(String(files.get('sweep.json'))), file);
  },
  places: ['sweep '],
};
