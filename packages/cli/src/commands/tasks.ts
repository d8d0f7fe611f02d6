import type { Command } from 'commander';
import { findExperiments } from '../workspace.ts';

export function addTasksCommand(program: Command): void {
  program
    .command('tasks')
    .description('List every experiment with its tasks, tables, methods and profiles.')
    .action(() => {
      for (const [name, experiment] of findExperiments()) {
        process.stdout.write(`${name}: ${experiment.title}\n`);
        process.stdout.write(`  profiles: ${Object.keys(experiment.profiles).join(', ')}\n`);
        process.stdout.write(`  methods:  ${Object.keys(experiment.methods).join(', ')}\n`);
        for (const [task, { title, evaluates }] of Object.entries(experiment.tasks))
          process.stdout.write(
            `  psoft ${evaluates === undefined ? 'train' : 'evaluate'} ${name}/${task}  ${title}\n`,
          );
        for (const [table, { title }] of Object.entries(experiment.tables ?? {}))
          process.stdout.write(`  psoft table ${name}/${table}  ${title}\n`);
      }
    });
}
