/** Rows: parquet, TSV, CSV, JSON and JSON lines, as data sets and users have them. */
import path from 'node:path';
import { readQuestions } from '../../../packages/datasets/src/commonsense/read/rows.ts';
import { readGlue } from '../../../packages/datasets/src/glue/official.ts';
import { readInstructions } from '../../../packages/datasets/src/math/read/instructions.ts';
import { readProblems } from '../../../packages/datasets/src/math/read/problems.ts';
import { loadInstructions, loadLabelled } from '../../../packages/datasets/src/ownData.ts';
import { openParquet, readParquetRows } from '../../../packages/datasets/src/parquet.ts';
import { loadTextColumn } from '../../../packages/datasets/src/textColumn.ts';
import type { TextExample } from '../../../packages/datasets/src/text.ts';
import { readTexts } from '../../../packages/datasets/src/texts.ts';
import { readParquetImages } from '../../../packages/datasets/src/vtab/parquetImages.ts';
import { filesOf, repositoryFile, withChanged } from '../files.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateText } from '../mutate/text.ts';
import type { Random } from '../random.ts';
import { expectThat, type Files, type Target } from '../target.ts';

/** Changes the footer, which says where everything lies, or the pages; the marks at the ends stay. */
function mutateParquet(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes);
  if (buffer.length < 12 || random.chance(0.1)) return mutateBytes(bytes, random, other);
  const start = buffer.length - 8 - buffer.readUInt32LE(buffer.length - 8);
  if (start < 4) return mutateBytes(bytes, random, other);
  let [pages, footer] = [buffer.subarray(4, start), buffer.subarray(start, buffer.length - 8)];
  if (random.chance(0.65)) footer = Buffer.from(mutateBytes(footer, random));
  else pages = Buffer.from(mutateBytes(pages, random));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(random.chance(0.97) ? footer.length : random.pick([0, 1, 2 ** 31, 2 ** 32 - 1]));
  const mark = Buffer.from('PAR1');
  return Buffer.concat([mark, pages, footer, length, mark]);
}

const FIXTURES = 'packages/datasets/test/fixtures';

export const parquet: Target = {
  name: 'parquet',
  async seeds() {
    const names = [
      ...[
        'glue/rte/train-00000-of-00001',
        'glue/stsb/validation-00000-of-00001',
        'math/gsm8k-test',
        'math/metamath-train',
      ],
      ...[
        'parquet/plain',
        'parquet/zstd',
        'parquet/empty',
        'parquet/train-00001-of-00002',
        'vtab/data/test-00000-of-00001',
      ],
    ];
    const files = await Promise.all(names.map((name) => repositoryFile(`${FIXTURES}/${name}.parquet`)));
    return files.map((file) => filesOf({ 'rows.parquet': file }));
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) => mutateParquet(content, random, other.get(name) ?? content)),
  async read(folder) {
    const file = path.join(folder, 'rows.parquet');
    const { present, metadata } = await openParquet(file, []);
    if (present.includes('label') && (present.includes('img') || present.includes('image'))) {
      for await (const { bytes, label } of readParquetImages([file]))
        expectThat(
          bytes instanceof Uint8Array && typeof label === 'number',
          'an image has bytes and a label',
        );
      return;
    }
    const rows = await readParquetRows([file], present);
    expectThat(rows.length === Number(metadata.num_rows), 'as many rows as announced');
  },
};

const changeRows = (random: Random, words: readonly string[]) => (name: string, content: Uint8Array) => {
  if (name.endsWith('.parquet')) return mutateBytes(content, random);
  if (random.chance(0.08)) return mutateBytes(content, random);
  const text = Buffer.from(content).toString('utf8');
  if (!/\.jsonl?$/.test(name)) return mutateText(text, random, words);
  if (name.endsWith('.json')) return mutateJson(text, random, words);
  const lines = text.split('\n');
  const line = random.int(lines.length);
  return random.chance(0.7)
    ? lines.with(line, mutateJson(lines[line]!, random, words)).join('\n')
    : mutateText(text, random, words);
};

const areTexts = (examples: readonly TextExample[]) =>
  expectThat(
    examples.every(
      ({ text, textPair, label }) =>
        typeof text === 'string' &&
        (textPair === undefined || typeof textPair === 'string') &&
        Number.isFinite(label),
    ),
    'an example has texts and a label',
  );

const TABLE_WORDS = ['text', 'label', 'pair', 'prompt', 'response', 'sentence', '__proto__', '1', '0'];

/** Files of users. */
export const texts: Target = {
  name: 'texts',
  async seeds() {
    return [
      filesOf({ 'a.csv': 'text,label\n"a, ""b""",1\nc,0\n' }),
      filesOf({ 'a.csv': 'text,pair,label\na,b,yes\nc,d,no\n"multi\nline",e,no\n' }),
      filesOf({ 'a.tsv': 'text\tlabel\na "b"\t1\nc\t0\n' }),
      filesOf({ 'a.jsonl': '{"text":"a","label":1}\n{"text":"b","label":"x"}\n' }),
      filesOf({ 'a.jsonl': '{"prompt":"a","response":"b"}\n\n{"prompt":"c","response":"d"}\n' }),
      filesOf({ 'a.csv': 'prompt,response\na,b\n' }),
    ];
  },
  mutate: (files, random) => withChanged(files, random, changeRows(random, TABLE_WORDS)),
  async read(folder, files) {
    const [name] = [...files.keys()] as [string];
    const file = path.join(folder, name);
    const isText = (values: readonly string[]) => values.every((one) => typeof one === 'string');
    if (String(files.get(name)).includes('prompt'))
      return expectThat(
        isText((await loadInstructions(file)).map(({ prompt }) => prompt)),
        'prompts are texts',
      );
    const format = name.slice(2) as 'csv' | 'tsv' | 'jsonl';
    areTexts(await readTexts(file, format, [['text', 'pair'], ['text']]));
    expectThat(isText(await loadTextColumn(file)), 'a column of texts holds texts');
    areTexts((await loadLabelled(file)).examples);
  },
};

const GLUE = {
  cola: 'gj04\t1\t\tOur friends won.\ngj05\t0\t*\tThem "won.\n',
  rte: 'index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n1\tc\td\tnot_entailment\n',
  stsb: 'index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n0\tg\tf\t2\t1\tn\tn\ta\tb\t3.5\n',
  qqp: 'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\ta\tb\t0\n4\t5\t6\tc\td\t1\n',
} as const;

export const glue: Target = {
  name: 'glue',
  async seeds() {
    return Object.entries(GLUE).map(([name, text]) => filesOf({ [`${name}/train.tsv`]: text }));
  },
  mutate: (files, random) =>
    withChanged(files, random, changeRows(random, ['entailment', 'label', 'sentence1', 'index', '5', '6'])),
  async read(folder, files) {
    const [name] = [...files.keys()] as [string];
    const task = name.split('/')[0] as keyof typeof GLUE;
    areTexts((await readGlue(path.join(folder, task), task, 'train')).examples);
  },
};

const PROBLEM = { question: 'How many?', answer: 'So 2 + 3 = 5.\n#### 5' };
const MATH = {
  problem: 'What is $1+1$?',
  solution: 'It is $\\boxed{2}$.',
  level: 'Level 1',
  type: 'Algebra',
};
const QUERY = { query: 'q', response: 'r', type: 'GSM_Rephrased' };
const QUESTION = {
  instruction:
    'Please answer the following question with true or false, question: is it?\n\nAnswer format: true/false',
  input: '',
  output: 'the correct answer is true',
  answer: 'true',
};
const lines = (...values: object[]) => values.map((one) => `${JSON.stringify(one)}\n`).join('');

export const jsonRows: Target = {
  name: 'json-rows',
  async seeds() {
    return [
      filesOf({ 'gsm8k.jsonl': lines(PROBLEM, PROBLEM) }),
      filesOf({ 'gsm8k.json': JSON.stringify([PROBLEM, PROBLEM]) }),
      filesOf({ 'math.json': JSON.stringify(MATH) }),
      filesOf({ 'math.jsonl': lines(MATH, MATH) }),
      filesOf({ 'instructions.json': JSON.stringify([QUERY, QUERY]) }),
      filesOf({ 'instructions.jsonl': lines(PROBLEM) }),
      filesOf({ 'boolq.json': JSON.stringify([QUESTION, QUESTION]) }),
    ];
  },
  mutate: (files: Files, random) =>
    withChanged(
      files,
      random,
      changeRows(random, [
        'question',
        'answer',
        'query',
        'response',
        'problem',
        'solution',
        'type',
        'level',
        'input',
        '\\boxed{',
        '#### ',
      ]),
    ),
  async read(folder, files) {
    const [name] = [...files.keys()] as [string];
    const file = path.join(folder, name);
    if (name.startsWith('instructions')) await readInstructions([file]);
    else if (name.startsWith('boolq')) await readQuestions(file, 'boolq', false);
    else await readProblems([file], name.startsWith('math') ? 'math' : 'gsm8k');
  },
};
