import path from 'node:path';
import {
  checkPrecision,
  DEVICE_CHOICES,
  type DeviceChoice,
  PRECISIONS,
  type RunPrecision,
} from '@psoft/engine/devices';
import { type Command, Option } from 'commander';
import { findExperiments, pick, ROOT } from '../workspace.ts';
import { nameList } from './numbers.ts';

interface Options {
  readonly device: DeviceChoice;
  readonly precision: RunPrecision;
  readonly offline: readonly string[];
  readonly json?: true;
  readonly resultsDir: string;
}

export function addDoctorCommand(program: Command, done: (code: number) => void): void {
  program
    .command('doctor')
    .description(
      'Say what this machine has for runs: versions, executors and devices (each tried), CUDA’s libraries, data and ' +
        'caches, and how to get what is missing. Exit code 0: what was asked for is there; 1: it is not.',
    )
    .addOption(
      new Option('--device <name>', 'must be usable, or the exit code is 1')
        .choices(DEVICE_CHOICES)
        .default('cpu'),
    )
    .addOption(
      new Option('--precision <name>', 'must be what products on the device have')
        .choices(PRECISIONS)
        .default('f32'),
    )
    .option(
      '--offline <list>',
      'experiments whose paper profile must be able to run without a network, separated by commas',
      nameList,
      [],
    )
    .option('--json', 'print everything as one JSON object')
    .option(
      '--results-dir <folder>',
      'where records would go: its disk is looked at',
      path.join(ROOT, 'results'),
    )
    .action(async ({ device, precision, offline, json, resultsDir }: Options) => {
      const experiments = findExperiments();
      for (const name of offline) pick(experiments, name, 'experiment');
      // What auto takes decides itself.
      if (device !== 'auto') checkPrecision(device, precision);
      const { examine, renderReport } = await import('../doctor/index.ts');
      const report = await examine({ device, precision, offline }, { resultsDir });
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : renderReport(report));
      if (report.failures.length > 0) done(1);
    });
}
