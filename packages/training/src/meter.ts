/** What is measured of the steps of an epoch. */

/** What a {@link Meter} has counted: plain numbers, which JSON keeps exactly. */
export interface MeterState {
  readonly milliseconds: readonly number[];
  readonly loss: number;
  readonly norm: number;
  readonly tokens: number;
  /** Steps without a norm; 0 when left out. */
  readonly skipped?: number;
}

const EMPTY: MeterState = { milliseconds: [], loss: 0, norm: 0, tokens: 0 };

/** What an epoch's row reports. */
export class Meter {
  readonly #milliseconds: number[];
  #loss: number;
  #norm: number;
  #tokens: number;
  #skipped: number;
  #total: number;

  constructor({ milliseconds, loss, norm, tokens, skipped = 0 }: MeterState = EMPTY) {
    this.#milliseconds = [...milliseconds];
    this.#loss = loss;
    this.#norm = norm;
    this.#tokens = tokens;
    this.#skipped = skipped;
    this.#total = milliseconds.reduce((sum, one) => sum + one, 0);
  }

  get state(): MeterState {
    return {
      milliseconds: this.#milliseconds,
      loss: this.#loss,
      norm: this.#norm,
      tokens: this.#tokens,
      ...(this.#skipped === 0 ? {} : { skipped: this.#skipped }),
    };
  }

  /** @param norm of the gradient; undefined where it overflowed and nothing was changed */
  add(loss: number, norm: number | undefined, milliseconds: number, tokens: number): void {
    this.#milliseconds.push(milliseconds);
    this.#loss += loss;
    if (norm === undefined) this.#skipped++;
    else this.#norm += norm;
    this.#tokens += tokens;
    this.#total += milliseconds;
  }

  get tokensPerSecond(): number {
    return this.#tokens / (this.#total / 1000);
  }

  summary() {
    const sorted = [...this.#milliseconds].sort((a, b) => a - b);
    return {
      trainLoss: this.#loss / sorted.length,
      // Where every step was skipped there is none: 0 over 1.
      meanGradientNorm: this.#norm / Math.max(1, sorted.length - this.#skipped),
      trainSeconds: this.#total / 1000,
      tokensPerSecond: this.tokensPerSecond,
      medianStepMilliseconds: sorted[sorted.length >> 1]!,
    };
  }
}
