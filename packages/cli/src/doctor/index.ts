/** `psoft doctor`: looks at everything a run may need, and judges what was asked for. */
import { tmpdir } from 'node:os';
import { chooseDevice, type Device, type Probe } from '@psoft/engine/devices';
import { findExperiments, ROOT } from '../workspace.ts';
import { cudaSection, executorsSection, type Tried, tryExecutors, webgpuSection } from './devices.ts';
import { machineSection, packagesSection, spaceIn } from './machine.ts';
import { cacheChecks, offlineReadiness, type Readiness, readinessSection } from './offline.ts';
import { type DoctorAsked, type DoctorReport, fact, type Section } from './report.ts';

export { type DoctorAsked, type DoctorReport, renderReport } from './report.ts';

export async function examine(
  asked: DoctorAsked,
  places: { readonly resultsDir: string },
): Promise<DoctorReport> {
  const tried = await tryExecutors(asked.precision);
  const experiments = findExperiments();
  const caches = await cachesSection(places.resultsDir);
  const readiness = await offlineReadiness(experiments);
  const { why } = await chooseDevice(async (device) => tried[device]);
  const sections = [
    machineSection(),
    packagesSection(ROOT),
    executorsSection(tried),
    cudaSection(),
    webgpuSection(),
    { title: 'Choice', checks: [fact('auto', why)] },
    caches,
    readinessSection(readiness.checks),
  ];
  return { asked, sections, failures: failuresOf(asked, tried, readiness) };
}

async function cachesSection(resultsDir: string): Promise<Section> {
  const { hubSettings } = await import('@psoft/datasets');
  const { cacheFolder } = hubSettings(process.env);
  return {
    title: 'Data and disk',
    checks: [...cacheChecks(cacheFolder), spaceIn('results', resultsDir), spaceIn('temporary', tmpdir())],
  };
}

/** What was asked for and cannot be had. */
export function failuresOf(
  { device, precision, offline }: DoctorAsked,
  tried: Pick<Tried, Device>,
  { notReady }: Pick<Readiness, 'notReady'>,
): string[] {
  const failures: string[] = [];
  const usable = (probe: Probe) => {
    if (!probe.isUsable) failures.push(`${probe.executor} cannot be used: ${probe.reason}`);
    return probe.isUsable;
  };
  // Something always works where the CPU does.
  const probe = tried[device === 'auto' ? 'cpu' : device];
  if (usable(probe) && probe.isUsable && device === 'cuda') {
    const isWanted = precision === 'tf32';
    if (probe.tf32 !== isWanted)
      failures.push(
        `precision ${precision} was asked for, but float32 products on cuda ${probe.tf32 ? 'round to TF32' : 'do not round to TF32: the card may have none'}`,
      );
  }
  for (const name of offline)
    if (notReady.has(name)) failures.push(`${name} would download something: see its lines above`);
  return failures;
}
