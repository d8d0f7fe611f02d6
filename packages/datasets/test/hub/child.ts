/** A download in a process of its own: arguments are the file's name and a line to print when it is done. */
import { fetchSnapshot } from '../../src/hub/snapshot.ts';

const [name = '', done = ''] = process.argv.slice(2);
await fetchSnapshot(
  { type: 'model', name: 'org/tiny' },
  { files: [name], onNote: (line) => console.log(line), backoffMs: 5, timeoutMs: 2000 },
);
console.log(done);
