/** What `psoft doctor` says: facts in sections, and what of it was asked for and is not there. */
import type { DeviceChoice, RunPrecision } from '@psoft/engine/devices';

/** fine: works. missing: does not, which matters to whoever needs it. fact: neither. */
export type State = 'fine' | 'missing' | 'fact';

export interface Check {
  readonly name: string;
  readonly state: State;
  readonly text: string;
  /** How to get what is missing. */
  readonly remedy?: string;
}

export interface Section {
  readonly title: string;
  readonly checks: readonly Check[];
}

export interface DoctorAsked {
  readonly device: DeviceChoice;
  readonly precision: RunPrecision;
  /** Experiments that must be able to run without a network. */
  readonly offline: readonly string[];
}

export interface DoctorReport {
  readonly asked: DoctorAsked;
  readonly sections: readonly Section[];
  /** Of what was asked for, what cannot be had: one line each. None is exit code 0. */
  readonly failures: readonly string[];
}

export const fact = (name: string, text: string): Check => ({ name, state: 'fact', text });
export const fine = (name: string, text: string): Check => ({ name, state: 'fine', text });
export const missing = (name: string, text: string, remedy?: string): Check => ({
  ...{ name, state: 'missing', text },
  ...(remedy === undefined ? {} : { remedy }),
});

const MARKS: Readonly<Record<State, string>> = { fine: '+', missing: '-', fact: ' ' };

/** For people: one check a line, remedies below what they mend. */
export function renderReport({ sections, failures, asked }: DoctorReport): string {
  const lines = sections.flatMap(({ title, checks }) => {
    const width = Math.max(...checks.map(({ name }) => name.length));
    return [
      title,
      ...checks.flatMap(({ name, state, text, remedy }) => [
        `  ${MARKS[state]} ${name.padEnd(width)}  ${text}`,
        ...(remedy === undefined ? [] : [`    ${' '.repeat(width)}  -> ${remedy}`]),
      ]),
      '',
    ];
  });
  const wanted = [
    `--device ${asked.device}`,
    `--precision ${asked.precision}`,
    ...asked.offline.map((name) => `${name} offline`),
  ];
  const end =
    failures.length === 0
      ? `Fine for ${wanted.join(', ')}.`
      : [`Not fine for ${wanted.join(', ')}:`, ...failures.map((one) => `  - ${one}`)].join('\n');
  return `${lines.join('\n')}\n${end}\n`;
}
