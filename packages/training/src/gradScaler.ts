/** Loss scaling for 16-bit floats (Micikevicius et al. 2018, "Mixed Precision Training", section 3.2). */

/** What a {@link GradScaler} knows: plain numbers, which JSON keeps exactly. */
export interface GradScalerState {
  /** The factor of the next step. */
  readonly scale: number;
  /** Updates since the factor last changed. */
  readonly sinceChange: number;
  /** Steps so far that changed no parameter. */
  readonly skippedSteps: number;
}

export interface GradScalerConfig {
  readonly initial: number;
  /** Updates in a row after which the factor doubles. */
  readonly growthInterval: number;
}

/** torch.amp.GradScaler's. */
const GRAD_SCALER_DEFAULTS: GradScalerConfig = { initial: 2 ** 16, growthInterval: 2000 };

/**
 * Decides by what the gradients of a run are multiplied while they are 16-bit numbers, whose smallest is 6e-8 and whose
 * largest 65,504: half as much after a step that overflowed, and which then changes nothing; twice as much after so many
 * that did not (torch.amp.GradScaler). A power of two, so that dividing by it afterwards rounds nothing.
 */
export class GradScaler {
  #state: GradScalerState;
  readonly #growthInterval: number;

  constructor({ initial, growthInterval }: GradScalerConfig = GRAD_SCALER_DEFAULTS, from?: GradScalerState) {
    if (!Number.isInteger(Math.log2(initial)) || initial < 1)
      throw new RangeError(`the first factor on gradients must be a power of two from 1 on, got ${initial}`);
    this.#growthInterval = growthInterval;
    this.#state = from ?? { scale: initial, sinceChange: 0, skippedSteps: 0 };
  }

  get state(): GradScalerState {
    return this.#state;
  }

  get scale(): number {
    return this.#state.scale;
  }

  get skippedSteps(): number {
    return this.#state.skippedSteps;
  }

  /** After a step whose gradient was finite. */
  applied(): void {
    const { scale, sinceChange, skippedSteps } = this.#state;
    const grows = sinceChange + 1 >= this.#growthInterval;
    // Beyond float32 the loss itself would overflow.
    const next = grows ? Math.min(2 * scale, 2 ** 100) : scale;
    this.#state = { scale: next, sinceChange: grows ? 0 : sinceChange + 1, skippedSteps };
  }

  /**
   * After a step whose gradient was not.
   * @returns false where the factor is 1 already: then it is no overflow that scaling less could help
   */
  skipped(): boolean {
    const { scale, skippedSteps } = this.#state;
    if (scale <= 1) return false;
    this.#state = { scale: scale / 2, sinceChange: 0, skippedSteps: skippedSteps + 1 };
    return true;
  }
}
