/** Writes one record again and again, with ever other contents, until it is killed. */
import { writeRecord } from '../src/store.ts';
import { sampleRecord } from './records.ts';

const root = process.argv[2]!;
const record = sampleRecord({ epochs: Number(process.argv[3]) });
for (let count = 1; ; count++) {
  await writeRecord(root, { ...record, runInfo: { ...record.runInfo, totalSeconds: count } });
  if (count === 1) process.send?.('written');
}
