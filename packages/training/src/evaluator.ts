/** Forward passes over batches of several padded lengths: one compiled program a length. */
import { setImmediate } from 'node:timers/promises';
import type { CompileOptions, Program, TrainableModel } from '@psoft/engine';
import type { Batch } from './fit.ts';
import type { ParameterVector } from './parameters.ts';
import { type BatchSpec, compileEvaluation } from './programs.ts';

export class Evaluator {
  readonly #programs = new Map<number, Program>();

  /** @param onCompiled told of every program that was made */
  constructor(
    private readonly model: TrainableModel,
    private readonly vector: ParameterVector,
    private readonly options: CompileOptions,
    private readonly onCompiled?: (bucket: number, program: Program) => void,
  ) {}

  /**
   * The first output of the model for every real example, by its place in the set; of a scalar output (a loss), its
   * sum over the batches, alone.
   * @param onBatch told of every batch that is done
   */
  async predict(
    batches: readonly Batch[],
    spec: (bucket: number) => BatchSpec,
    onBatch?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const outputs: Float32Array[] = [];
    for (const [at, batch] of batches.entries()) {
      const program = await this.#program(batch.bucket, spec);
      const { values } = this.vector;
      const parameters = values.length > 0 ? { parameters: values } : {};
      const [first] = Object.values(await program.run({ ...parameters, ...batch.inputs }));
      const [data, [rows]] = [first!.data as Float32Array, first!.shape];
      if (rows === undefined) outputs[0] = Float32Array.of((outputs[0]?.[0] ?? 0) + data[0]!);
      else {
        const width = data.length / rows;
        for (let row = 0; row < batch.rows; row++)
          outputs[batch.examples[row]!] = data.slice(row * width, (row + 1) * width);
      }
      onBatch?.(at + 1);
      // Lets messages and signals in.
      await setImmediate();
    }
    return outputs;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
  }

  async #program(bucket: number, spec: (bucket: number) => BatchSpec): Promise<Program> {
    let program = this.#programs.get(bucket);
    if (program === undefined) {
      program = await compileEvaluation(this.model, this.vector, spec(bucket), this.options);
      this.#programs.set(bucket, program);
      this.onCompiled?.(bucket, program);
    }
    return program;
  }
}
