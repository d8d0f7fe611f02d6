/** Runs a target's inputs in a process of their own, and notices when that process hangs or dies. */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { secondsOf } from './attempt.ts';
import type { Target } from './target.ts';
import type { Order, Report } from './worker.ts';

export interface Finding {
  readonly key: string;
  readonly fault: string;
  readonly message: string;
  readonly stack?: string;
}

/** How far a target is: written as it goes, so that a campaign can be resumed. */
export interface TargetState {
  readonly target: string;
  readonly seed: number;
  done: number;
  seconds: number;
  kept: number;
  blocks: number;
  /** Processes that were started: one, and one for each that hung or died. */
  processes: number;
  readonly outcomes: Record<string, number>;
  readonly findings: Finding[];
}

export interface Campaign {
  readonly seed: number;
  readonly count: number;
  readonly folder: string;
  readonly before?: TargetState;
  onChange(state: TargetState): void;
  /** @param input the folder of the files, which is overwritten afterwards */
  onFinding(number: number, input: string): void;
  say(line: string): void;
}

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const HEAP_MB = 768;
const TOLD = 'hangs, as it told';
const MOST_RESIDENT_MB = 2048;
/** Of the processor, beyond an input's own limit: for what else happens between two reports. */
const PATIENCE_SECONDS = 5;
const LOADING_SECONDS = 30;

export async function runTarget(target: Target, campaign: Campaign): Promise<TargetState> {
  const state: TargetState = campaign.before ?? {
    ...{ target: target.name, seed: campaign.seed, done: 0, seconds: 0, kept: 0, blocks: 0, processes: 0 },
    outcomes: {},
    findings: [],
  };
  const start = performance.now() - 1000 * state.seconds;
  const save = () => {
    state.seconds = (performance.now() - start) / 1000;
    campaign.onChange(state);
  };
  const add = (finding: Finding) => {
    if (state.findings.some(({ key }) => key === finding.key)) return;
    campaign.onFinding(state.findings.length, path.join(campaign.folder, 'input'));
    state.findings.push(finding);
    campaign.say(`${target.name}: ${finding.fault}: ${finding.message.slice(0, 200)}`);
  };
  while (state.done < campaign.count) {
    state.processes++;
    const end = await runProcess(target, campaign, state, add, save);
    if (end === undefined) break;
    // The input that it died of counts.
    state.done++;
    // A promise that was never kept has been told already.
    if (end.cause === TOLD) continue;
    const line = /^\w*(?:Error|FATAL)\b.*$/m.exec(end.said)?.[0] ?? '';
    add({
      key: `${end.cause} ${line}`,
      fault: end.cause,
      message: `the process ${end.cause}: ${line}`,
      stack: end.said,
    });
    save();
  }
  save();
  campaign.say(
    `${target.name}: ${state.done} inputs, ${Object.keys(state.outcomes).length} ends, ${state.findings.length} faults, ${state.seconds.toFixed(0)} s`,
  );
  return state;
}

/** @returns how the process ended before its work did; undefined for one that is through */
function runProcess(
  target: Target,
  { seed, count, folder, say }: Campaign,
  state: TargetState,
  add: (finding: Finding) => void,
  save: () => void,
): Promise<{ readonly cause: string; readonly said: string } | undefined> {
  const child = fork(WORKER, {
    execArgv: ['--import', TSX, `--max-old-space-size=${HEAP_MB}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let [said, isThrough, ended] = ['', false, undefined as string | undefined];
  const started = performance.now();
  child.stderr?.on('data', (data: Buffer) => {
    said = (said + data).slice(-2000);
  });
  let [cpu, lastCpu] = [0, 0];
  const watch = setInterval(() => {
    cpu = cpuSeconds(child) ?? (performance.now() - started) / 1000;
    // Loading what the readers load takes seconds of its own.
    const patience = secondsOf(target) + PATIENCE_SECONDS + (state.kept === 0 ? LOADING_SECONDS : 0);
    if (cpu - lastCpu > patience) ended = 'hangs';
    else if (residentMb(child) > MOST_RESIDENT_MB) ended = 'takes too much memory';
    if (ended !== undefined) child.kill('SIGKILL');
  }, 200);
  return new Promise((resolve, reject) => {
    let lastSaid = performance.now();
    child.on('message', (report: Report) => {
      lastCpu = cpu;
      if (report.type === 'end') isThrough = true;
      else if (report.type === 'fault') {
        add(report);
        save();
        if (child.connected) child.send('copied');
      } else {
        state.done += report.done;
        state.kept = report.kept;
        state.blocks = Math.max(state.blocks, report.blocks);
        for (const [key, times] of Object.entries(report.outcomes))
          state.outcomes[key] = (state.outcomes[key] ?? 0) + times;
        if (performance.now() - lastSaid > 20_000) {
          lastSaid = performance.now();
          say(`${target.name}: ${state.done} of ${count}`);
          save();
        }
      }
    });
    child.on('exit', (code, signal) => {
      clearInterval(watch);
      if (isThrough) resolve(undefined);
      else if (code === 4) reject(new Error(`the harness itself failed: ${said}`));
      else {
        const isOut = /heap/.test(said) ? ', out of memory' : '';
        const cause = ended ?? (code === 3 ? TOLD : `dies (${signal ?? `exit code ${code}`}${isOut})`);
        resolve({ cause, said });
      }
    });
    child.send({
      target: target.name,
      seed,
      from: state.done,
      count: count - state.done,
      folder,
    } satisfies Order);
  });
}

/** Of the process, where the system tells: a busy machine makes nobody hang. */
function cpuSeconds({ pid }: ChildProcess): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    // User and system time, in hundredths.
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

/** Resident memory, where the system tells. */
function residentMb({ pid }: ChildProcess): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
