/** Whether the paper's profile can run without a network: its models and data are looked for as a run would. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Candidate, candidatesOf, isEvaluation } from '../cells.ts';
import { rankSettings } from '../methodFlags.ts';
import type { Experiment } from '../workspace.ts';
import { type Check, fact, fine, missing, type Section } from './report.ts';

export interface Readiness {
  readonly checks: readonly Check[];
  /** Experiments of which something would be downloaded. */
  readonly notReady: ReadonlySet<string>;
}

/** Reads everything that there is, without asking the network. Sets HF_HUB_OFFLINE for this process. */
export async function offlineReadiness(experiments: ReadonlyMap<string, Experiment>): Promise<Readiness> {
  process.env.HF_HUB_OFFLINE = '1';
  const [{ localModel, readData }, { evaluationOf, readProblems }, { openCheckpoint }] = await Promise.all([
    import('@psoft/training/sources'),
    import('@psoft/training/evaluations'),
    import('@psoft/engine'),
  ]);
  const checks: Check[] = [];
  const notReady = new Set<string>();
  for (const [name, experiment] of experiments) {
    const configs = Object.keys(experiment.tasks).flatMap((task) => {
      const options = { profile: 'paper', method: 'psoft', seed: 1, set: [] };
      const [config] = candidatesOf(experiments, `${name}/${task}`, options, rankSettings) as [Candidate];
      return 'unavailable' in config ? [] : [config];
    });
    const first = configs[0];
    if (first === undefined) continue;
    const training = isEvaluation(first) ? first.training : first;
    let folder: string | undefined;
    try {
      folder = (await localModel(training, {})).folder;
      await openCheckpoint(folder);
      checks.push(fine(`${name} model`, `${training.model.name}, ${folder}`));
    } catch (error) {
      notReady.add(name);
      checks.push(missing(`${name} model`, firstLine(error), prepare(name)));
    }
    const absent: string[] = [];
    let reason = '';
    for (const config of configs)
      try {
        if (isEvaluation(config)) await readProblems(evaluationOf(config), config, {});
        else await readData(config, folder);
      } catch (error) {
        absent.push(config.task);
        reason ||= firstLine(error);
      }
    const total = configs.length;
    if (absent.length === 0) checks.push(fine(`${name} data`, `all ${total} tasks`));
    else {
      notReady.add(name);
      const what = absent.length === total ? `none of ${total} tasks` : `not ${absent.join(', ')}`;
      checks.push(missing(`${name} data`, `${what}: ${reason}`, prepare(name)));
    }
  }
  return { checks, notReady };
}

const prepare = (name: string) => `npx nx run ${name}:prepare downloads it`;

/** Without what follows from having forbidden the network. */
const firstLine = (error: unknown) =>
  (error as Error).message.split('\n')[0]!.replace(/ at \S+ and HF_HUB_OFFLINE forbids .*$/, '');

export function cacheChecks(cacheFolder: string, environment: NodeJS.ProcessEnv = process.env): Check[] {
  const { PSOFT_DATA: data, HF_HUB_OFFLINE: offline } = environment;
  return [
    data === undefined || data === ''
      ? fact('PSOFT_DATA', 'not set: data comes from the Hub')
      : existsSync(data)
        ? fine('PSOFT_DATA', path.resolve(data))
        : missing('PSOFT_DATA', `${data} is not there`, 'unset it, or make it a folder with the data'),
    existsSync(cacheFolder)
      ? fine('Hub cache', cacheFolder)
      : fact('Hub cache', `${cacheFolder}, not made yet`),
    fact('network', offline ? `not asked (HF_HUB_OFFLINE=${offline})` : 'asked for what the cache lacks'),
  ];
}

export const readinessSection = (checks: readonly Check[]): Section => ({
  title: 'Profile paper, without a network',
  checks,
});
