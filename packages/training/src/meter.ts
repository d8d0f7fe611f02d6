/** What is measured of the steps of an epoch. */

/** What a {@link Meter} has counted: plain numbers, which JSON keeps exactly. */
export interface MeterState {
  readonly milliseconds: readonly number[];
  readonly loss: number;
  readonly norm: number;
  readonly tokens: number;
}

/** What an epoch's row reports. */
export class Meter {
  readonly #milliseconds: number[];
  #loss: number;
  #norm: number;
  #tokens: number;
  #total: number;

  constructor(
    { milliseconds, loss, norm, tokens }: MeterState = { milliseconds: [], loss: 0, norm: 0, tokens: 0 },
  ) {
    this.#milliseconds = [...milliseconds];
    this.#loss = loss;
    this.#norm = norm;
    this.#tokens = tokens;
    this.#total = milliseconds.reduce((sum, one) => sum + one, 0);
  }

  get state(): MeterState {
    return { milliseconds: this.#milliseconds, loss: this.#loss, norm: this.#norm, tokens: this.#tokens };
  }

  add(loss: number, norm: number, milliseconds: number, tokens: number): void {
    this.#milliseconds.push(milliseconds);
    this.#loss += loss;
    this.#norm += norm;
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
      meanGradientNorm: this.#norm / sorted.length,
      trainSeconds: this.#total / 1000,
      tokensPerSecond: this.tokensPerSecond,
      medianStepMilliseconds: sorted[sorted.length >> 1]!,
    };
  }
}
