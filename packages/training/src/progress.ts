/** One line that shows how far a run is: redrawn on a terminal, absent from files and pipes. */

/** Where progress goes: `process.stderr`, or anything alike. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  /** Steps of the whole run. */
  readonly total: number;
  /** Starts the line: "nlu/cola psoft seed 1". */
  readonly label: string;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface ProgressState {
  /** Absent where nothing is trained. */
  readonly loss?: number;
  /** Latest evaluation. */
  readonly metric?: { readonly name: string; readonly value: number };
  /** Tokens a second. */
  readonly speed?: number;
}

export interface Progress {
  /** Shows that `step` steps are done. Draws at most ten times a second, but always the last step. */
  update(step: number, state: ProgressState): void;
  /** Writes a line that stays, above the bar; on any stream. */
  log(line: string): void;
  /** Takes the bar away. Later updates draw nothing. */
  done(): void;
}

const REDRAW_MILLISECONDS = 100;
const BAR = { widest: 30, narrowest: 8 };
/** Returns to the line's start and clears it: works without colours. */
const CLEAR = '\r\x1b[2K';

/** Reports on a stream. A stream that is no terminal gets logged lines only. */
export function createProgress(options: ProgressOptions): Progress {
  const { stream, total, label, now = () => performance.now(), environment = process.env } = options;
  const isTerminal = stream.isTTY === true && environment.TERM !== 'dumb';
  // https://no-color.org: any value that is not empty.
  const hasColour = isTerminal && !environment.NO_COLOR;
  let first: { step: number; time: number } | undefined;
  let lastDraw = Number.NEGATIVE_INFINITY;
  let line: (() => string) | undefined;
  let isDrawn = false;
  let isDone = !isTerminal;

  const clear = () => {
    if (isDrawn) stream.write(CLEAR);
    isDrawn = false;
  };
  const draw = () => {
    if (line === undefined || isDone) return;
    stream.write(`${CLEAR}${line()}`);
    isDrawn = true;
  };

  return {
    update(step, state) {
      if (isDone) return;
      const time = now();
      // From the first step on: compiling before it says nothing about the pace.
      first ??= { step, time };
      const pace = step > first.step ? (time - first.time) / (step - first.step) : undefined;
      const secondsLeft = pace === undefined ? undefined : (pace * Math.max(0, total - step)) / 1000;
      const parts = describe(step, total, state, secondsLeft);
      line = () => layOut(label, step / total, parts, (stream.columns || 80) - 1, hasColour);
      if (time - lastDraw < REDRAW_MILLISECONDS && step < total) return;
      lastDraw = time;
      draw();
    },
    log(text) {
      clear();
      stream.write(`${text}\n`);
      draw();
    },
    done() {
      clear();
      isDone = true;
    },
  };
}

/** What stands behind the bar, the most important first: a narrow terminal drops from the end. */
function describe(step: number, total: number, state: ProgressState, secondsLeft?: number): string[] {
  const { loss, metric, speed } = state;
  return [
    `${step}/${total}`,
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
    ...(metric === undefined ? [] : [`${metric.name} ${metric.value.toFixed(4)}`]),
    ...(speed === undefined ? [] : [`${formatSpeed(speed)} tokens/s`]),
  ];
}

function layOut(
  label: string,
  share: number,
  parts: readonly string[],
  width: number,
  hasColour: boolean,
): string {
  const shown = [...parts];
  const rest = () => [label, ...shown].join('  ').length;
  while (shown.length > 1 && rest() > width) shown.pop();
  const room = Math.min(BAR.widest, width - rest() - 2);
  if (room < BAR.narrowest) return [label, ...shown].join('  ').slice(0, Math.max(0, width));
  const full = Math.round(Math.min(1, Math.max(0, share)) * room);
  const bar = `${'█'.repeat(full)}${'░'.repeat(room - full)}`;
  return [label, hasColour ? `\x1b[36m${bar}\x1b[39m` : bar, ...shown].join('  ');
}

/** "0:42", "12:05", "3:12:05". */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** "950", "21.3k", "1.2M". */
function formatSpeed(speed: number): string {
  if (speed < 1000) return speed.toFixed(0);
  return speed < 1e6 ? `${(speed / 1e3).toFixed(1)}k` : `${(speed / 1e6).toFixed(1)}M`;
}
