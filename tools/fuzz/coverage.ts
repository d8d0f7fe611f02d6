/** Which code an input reached that none before it had: V8's own block coverage. */
import { Session } from 'node:inspector';

/** Our readers and the libraries that they hand bytes to. */
const WATCHED =
  /\/packages\/[^/]+\/src\/|\/node_modules\/(hyparquet|pbf|papaparse|yauzl)\/|\/@huggingface\/(gguf|transformers|tokenizers)\//;

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
}

export class Coverage {
  readonly #session = new Session();
  #blocks = 0;

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    // Without counts V8 names a block once: when it is first reached.
    this.#session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  }

  /** Blocks of watched code so far. */
  get blocks(): number {
    return this.#blocks;
  }

  /** How many blocks were reached first since the last call. */
  take(): number {
    let found = 0;
    this.#session.post('Profiler.takePreciseCoverage', (_, answer) => {
      for (const { url, functions } of (answer?.result ?? []) as readonly ScriptCoverage[])
        if (WATCHED.test(url))
          for (const { ranges } of functions) found += ranges.filter(({ count }) => count > 0).length;
    });
    this.#blocks += found;
    return found;
  }
}
