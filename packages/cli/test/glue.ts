/** Tasks of GLUE in the official layout: few rows, so that there are many epochs. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** @returns the folder, below `folder` */
export function glueData(folder: string): string {
  const root = path.join(folder, 'glue');
  if (existsSync(root)) return root;
  const write = (file: string, header: string, line: (i: number) => string, rows: number) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    const lines = Array.from({ length: rows }, (_, i) => line(i));
    writeFileSync(path.join(root, file), `${[header, ...lines].join('\n')}\n`);
  };
  const pair = (i: number) => `The sailor saw ship ${i}.\tThe ship ${i % 3} was seen.`;
  const rte = (i: number) => `${i}\t${pair(i)}\t${i % 2 ? 'entailment' : 'not_entailment'}`;
  write('RTE/train.tsv', 'index\tsentence1\tsentence2\tlabel', rte, 48);
  write('RTE/dev.tsv', 'index\tsentence1\tsentence2\tlabel', rte, 20);
  write('RTE/test.tsv', 'index\tsentence1\tsentence2', (i) => `${i}\t${pair(i)}`, 7);
  const mnli = (i: number) => `${i}\t${pair(i)}\t${['entailment', 'neutral', 'contradiction'][i % 3]}`;
  for (const [file, rows] of [
    ['train', 32],
    ['dev_matched', 12],
    ['dev_mismatched', 9],
  ] as const)
    write(`MNLI/${file}.tsv`, 'index\tsentence1\tsentence2\tgold_label', mnli, rows);
  for (const [file, rows] of [
    ['test_matched', 5],
    ['test_mismatched', 4],
  ] as const)
    write(`MNLI/${file}.tsv`, 'index\tsentence1\tsentence2', (i) => `${i}\t${pair(i)}`, rows);
  const stsb = (i: number) => `${i}\t${pair(i)}\t${(i % 11) / 2}`;
  write('STS-B/train.tsv', 'index\tsentence1\tsentence2\tscore', stsb, 32);
  write('STS-B/dev.tsv', 'index\tsentence1\tsentence2\tscore', stsb, 12);
  write('STS-B/test.tsv', 'index\tsentence1\tsentence2', (i) => `${i}\t${pair(i)}`, 6);
  return root;
}
