import path from 'node:path';
import type { Command } from 'commander';
import { rankSettings } from '../methodFlags.ts';
import { resolveRun } from '../resolve.ts';
import { findExperiments, pick } from '../workspace.ts';
import { sourceEvents } from './progress.ts';
import { addSourceOptions } from './runOptions.ts';

interface Options {
  readonly profile: string;
  readonly dataDir?: string;
  readonly modelDir?: string;
  readonly model?: string;
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
    const configs = all.map((target) =>
      resolveRun(experiments, target, { ...options, method: 'head', seed: 1, set: [] }, rankSettings),
    );
    const [{ localModel, readTask }, { openCheckpoint }] = await Promise.all([
      import('@psoft/training/sources'),
      import('@psoft/engine'),
    ]);
    const { onNote, onDownload } = sourceEvents();
    const hooks = {
      onNote: (line: string) => onNote?.(line),
      onProgress: (progress: { file: string; done: number; total: number }) =>
        onDownload?.({ type: 'download', ...progress }),
    };
    const models = new Set<string>();
    for (const config of configs) {
      const { folder, revision } = await localModel(config, hooks);
      if (!models.has(folder)) {
        models.add(folder);
        const { weights } = await openCheckpoint(folder);
        process.stdout.write(
          `model ${config.model.name}${revision === undefined ? '' : `@${revision.slice(0, 8)}`}: ${weights.size} tensors, ${path.relative(process.cwd(), folder)}\n`,
        );
      }
      const { infos } = await readTask(config, folder, hooks);
      const sizes = infos.map(({ name, count }) => `${name} ${count}`);
      process.stdout.write(`${config.experiment}/${config.task}: ${sizes.join(', ')}\n`);
    }
  });
}
