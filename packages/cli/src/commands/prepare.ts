import path from 'node:path';
import { ConfigError } from '@psoft/training/config';
import type { EvaluationConfig } from '@psoft/training/evaluation';
import type { Command } from 'commander';
import { type Candidate, candidatesOf, isEvaluation } from '../cells.ts';
import { rankSettings } from '../methodFlags.ts';
import { findExperiments, pick } from '../workspace.ts';
import { sourceEvents } from './progress.ts';
import { addSourceOptions, type SourceOptionValues } from './runOptions.ts';

interface Options extends SourceOptionValues {
  readonly profile: string;
}

export function addPrepareCommand(program: Command): void {
  const command = program
    .command('prepare')
    .description(
      'Download what runs will read, and check that it can be read. Afterwards they need no network (HF_HUB_OFFLINE=1).',
    )
    .argument('<targets...>', 'EXPERIMENT, or EXPERIMENT/TASK')
    .option('--profile <name>', 'tiny or paper', 'paper');
  addSourceOptions(command).action(async (targets: readonly string[], options: Options) => {
    const experiments = findExperiments();
    const all = targets.flatMap((target) => {
      const [name, task] = target.split('/') as [string, string?];
      const experiment = pick(experiments, name, 'experiment');
      return task === undefined ? Object.keys(experiment.tasks).map((one) => `${name}/${one}`) : [target];
    });
    // Data and model are the same for every method.
    const run = { ...options, method: 'psoft', seed: 1, set: [] };
    const configs = all.map((target) => {
      const [config] = candidatesOf(experiments, target, run, rankSettings) as [Candidate];
      if ('unavailable' in config) throw new ConfigError(config.unavailable);
      return config;
    });
    const [{ localModel, readTask }, { evaluationOf, readProblems }, { openCheckpoint }] = await Promise.all([
      import('@psoft/training/sources'),
      import('@psoft/training/evaluations'),
      import('@psoft/engine'),
    ]);
    const { onNote, onDownload } = sourceEvents();
    const hooks = {
      onNote: (line: string) => onNote?.(line),
      onProgress: (progress: { file: string; done: number; total: number }) =>
        onDownload?.({ type: 'download', ...progress }),
    };
    const countProblems = async (config: EvaluationConfig): Promise<number> => {
      const { examples, note } = await readProblems(evaluationOf(config), config, hooks);
      if (note !== undefined) hooks.onNote(note);
      return examples.length;
    };
    const models = new Set<string>();
    for (const config of configs) {
      const training = isEvaluation(config) ? config.training : config;
      const { folder, revision } = await localModel(training, hooks);
      if (!models.has(folder)) {
        models.add(folder);
        const { weights } = await openCheckpoint(folder);
        process.stdout.write(
          `model ${training.model.name}${revision === undefined ? '' : `@${revision.slice(0, 8)}`}: ${weights.size} tensors, ${path.relative(process.cwd(), folder)}\n`,
        );
      }
      const sizes = isEvaluation(config)
        ? [`test ${await countProblems(config)}`]
        : (await readTask(config, folder, hooks)).infos.map(({ name, count }) => `${name} ${count}`);
      process.stdout.write(`${config.experiment}/${config.task}: ${sizes.join(', ')}\n`);
    }
  });
}
