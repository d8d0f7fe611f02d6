/** What tests of sweeps share: files of sweeps, and where their runs and results are, below one folder. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { glueData } from './glue.ts';

export function sweepFolder(folder: string) {
  const places = (name: string) => ({
    results: path.join(folder, name, 'results'),
    runs: path.join(folder, name, 'runs'),
  });
  return {
    /** Of the sweeps that go by a name of the test's own. */
    places,
    options: (name: string) => [
      ...['--data-dir', glueData(folder), '--threads=1', '--checkpoint-steps=2'],
      ...['--results-dir', places(name).results, '--runs-dir', places(name).runs],
    ],
    /** A sweep of RTE; each series is a job. */
    file(name: string, series: readonly object[]): string {
      const file = path.join(folder, `${name}.json`);
      const content = {
        title: 'Two methods',
        experiment: 'nlu',
        tasks: ['rte'],
        seeds: { tiny: [1] },
        series,
      };
      writeFileSync(file, JSON.stringify(content));
      return file;
    },
  };
}
