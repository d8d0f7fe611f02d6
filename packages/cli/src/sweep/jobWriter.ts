/** Keeps the file of a job up to date: at once when asked to, else every few seconds. */
import { type JobState, writeJob } from './state.ts';

const PERIOD_MILLISECONDS = 2000;

export class JobWriter {
  #state: JobState;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(
    private readonly folder: string,
    private readonly id: number,
    state: JobState,
  ) {
    this.#state = state;
  }

  get state(): JobState {
    return this.#state;
  }

  update(change: Partial<JobState>): void {
    const isFirstStep = change.step !== undefined && this.#state.step === undefined;
    this.#state = { ...this.#state, ...change };
    // That it trains is worth telling at once.
    if (isFirstStep) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), PERIOD_MILLISECONDS);
  }

  /** Writes what is known. A disk that is full must not end a run: what is lost here is a line of a report. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      try {
        await writeJob(this.folder, this.id, this.#state);
      } catch (error) {
        if (!this.#hasFailed) process.stderr.write(`${(error as Error).message}; the work goes on\n`);
        this.#hasFailed = true;
      }
    });
    return this.#writing;
  }
}
