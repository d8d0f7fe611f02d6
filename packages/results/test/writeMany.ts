/** Writes records of its own and one that all writers share, when told to; then ends. */
import { writeRecord } from '../src/store.ts';
import { sampleRecord } from './records.ts';

const [root, writer, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
process.send!('ready');
process.once('message', async () => {
  for (let i = 0; i < count; i++) {
    await writeRecord(root, sampleRecord({ seed: 1000 * writer + i }));
    const shared = sampleRecord({ seed: 1 });
    await writeRecord(root, { ...shared, runInfo: { ...shared.runInfo, totalSeconds: 1000 * writer + i } });
  }
  process.disconnect();
});
