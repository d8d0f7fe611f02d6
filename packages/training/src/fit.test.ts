import {
  type CompileOptions,
  type Parameter,
  RandomStream,
  type Tensor,
  type TrainableModel,
  tf,
} from '@psoft/engine';
import { crossEntropy } from '@psoft/models';
import { describe, expect, test } from 'vitest';
import {
  type Batch,
  type EpochRow,
  Fit,
  type FitConfig,
  type FitHooks,
  type FitState,
  type FitTask,
  NonFiniteError,
} from './fit.ts';

/** Logistic regression on points of the plane: class 1 where x + y > 0. */
const ROWS = 8;
const rng = RandomStream.from(1, 'fit test');
const points = Array.from({ length: 64 }, () => [rng.normal(), rng.normal()] as const);
const labelOf = ([x, y]: readonly [number, number]) => (x + y > 0 ? 1 : 0);

function toyModel(): TrainableModel {
  const parameter = (name: string, shape: number[], group: Parameter['group']): Parameter => ({
    name,
    shape,
    group,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  const parameters = [parameter('w', [2, 2], 'adapter'), parameter('b', [2], 'head')];
  return {
    base: undefined as never,
    weights: new Map(),
    parameters,
    forward: ({ parameters: { w, b }, dropout }, { x }) => ({
      logits: tf.add(tf.matMul((dropout?.(x!, 0.2) ?? x!) as never, w as never) as Tensor, b!),
    }),
  };
}

function batchesOf(set: typeof points): Batch[] {
  return Array.from({ length: set.length / ROWS }, (_, i) => {
    const rows = set.slice(i * ROWS, (i + 1) * ROWS);
    return {
      bucket: 2,
      inputs: { x: Float32Array.from(rows.flat()), labels: Int32Array.from(rows, labelOf) },
      rows: ROWS,
      tokens: 2 * ROWS,
      examples: Int32Array.from(rows.keys(), (k) => i * ROWS + k),
    };
  });
}

const x = { shape: [ROWS, 2], dtype: 'float32' as const };
function toyTask(change: (batch: Batch) => Batch = (batch) => batch): FitTask {
  return {
    trainSpec: () => ({ x, labels: { shape: [ROWS], dtype: 'int32' } }),
    evaluationSpec: () => ({ x }),
    loss: (outputs, batch) => crossEntropy(outputs.logits!, batch.labels!),
    trainBatches: () => batchesOf(points).map(change),
    // Last batch first: results must come back in the split's own order.
    evaluationBatches: () =>
      batchesOf(points)
        .reverse()
        .map((batch) => ({ ...batch, inputs: { x: batch.inputs.x! } })),
    metrics: (_, outputs) => ({
      accuracy: outputs.filter((row, i) => (row[1]! > row[0]! ? 1 : 0) === labelOf(points[i]!)).length,
    }),
  };
}

const config: FitConfig = {
  epochs: 4,
  learningRate: 0.1,
  headLearningRate: 0.05,
  weightDecay: 0,
  warmupRatio: 0.1,
  maxGradNorm: 1,
  selection: { split: 'selection', metric: 'accuracy' },
  dropoutSeed: 3,
};

/** Where programs can be bound natively. */
const isLinux = process.platform === 'linux';

describe.each<[string, CompileOptions]>([
  ['', {}],
  ...(isLinux
    ? [[' whose values stay on the device', { binding: 'native' }] as [string, CompileOptions]]
    : []),
])('Fit%s', (_, bound) => {
  const fitOf = (model: TrainableModel, task: FitTask, config: FitConfig, options: CompileOptions = {}) =>
    new Fit(model, task, config, { ...options, ...bound });

  test('learns, keeps the best epoch, and does the same again', async () => {
    const results = [];
    for (let i = 0; i < 2; i++) {
      const model = toyModel();
      const fit = fitOf(model, toyTask(), config);
      const result = await fit.run();
      expect(result.status).toBe('completed');
      expect(result.steps).toBe(32);
      expect(result.rows).toHaveLength(4);
      expect(result.best!.metric).toBe(Math.max(...result.rows.map((row) => row.selection.accuracy!)));
      expect((await fit.evaluate('any')).accuracy).toBe(result.best!.metric);
      expect(result.best!.metric).toBeGreaterThan(58);
      results.push(
        result.rows
          .map(({ trainLoss }) => trainLoss)
          .concat(...model.parameters.map(({ data }) => [...data])),
      );
      await fit.dispose();
    }
    expect(results[0]).toEqual(results[1]);
  });

  test('groups learn at their own rates', async () => {
    const model = toyModel();
    await fitOf(model, toyTask(), { ...config, headLearningRate: 0 }).run();
    const [w, b] = model.parameters;
    expect(w!.data.every((value) => value !== 0)).toBe(true);
    expect([...b!.data]).toEqual([0, 0]);
  });

  test('stops when asked, after the current step', async () => {
    let steps = 0;
    const result = await fitOf(toyModel(), toyTask(), config).run({
      onStep: () => {
        steps++;
      },
      shouldStop: () => steps === 11,
    });
    expect(result).toMatchObject({ status: 'cancelled', steps: 11 });
    expect(result.rows).toHaveLength(1);
  });

  /** Without what a clock says. */
  const facts = (rows: readonly EpochRow[]) =>
    rows.map(({ epoch, step, trainLoss, selection, learningRate, meanGradientNorm }) => ({
      epoch,
      step,
      trainLoss,
      selection,
      learningRate,
      meanGradientNorm,
    }));

  test('goes on from any of its states to the same end, to the bit', async () => {
    const settings = { ...config, maxSteps: 29 };
    const straight = toyModel();
    const states: FitState[] = [];
    const whole = await fitOf(straight, toyTask(), settings).run({
      onState: (state) => void states.push(structuredClone(state())),
    });
    // After each of the 29 steps, and after the evaluations of all epochs but the last.
    expect(states.map(({ step }) => step)).toHaveLength(29 + 3);
    for (const state of states) {
      const model = toyModel();
      const seen: EpochRow[] = [];
      const rest = await fitOf(model, toyTask(), settings).run(
        { onEpoch: (row) => void seen.push(row) },
        state,
      );
      expect(facts(rest.rows)).toEqual(facts(whole.rows));
      expect([rest.best, rest.steps, rest.status]).toEqual([whole.best, whole.steps, whole.status]);
      expect(model.parameters.map(({ data }) => data)).toEqual(straight.parameters.map(({ data }) => data));
      // Only what was still to come is told.
      expect(seen).toHaveLength(whole.rows.length - state.rows.length);
    }
  });

  test('the last state of a stopped run is where it goes on', async () => {
    let last: FitState | undefined;
    let steps = 0;
    const stopped = await fitOf(toyModel(), toyTask(), config).run({
      onStep: () => void steps++,
      shouldStop: () => steps === 8,
      onState: (state, isEnd) => {
        if (isEnd) last = structuredClone(state());
      },
    });
    expect(stopped.status).toBe('cancelled');
    expect(last).toMatchObject({ step: 8, epoch: 0, batch: 8 });
    const [whole, rest] = [fitOf(toyModel(), toyTask(), config), fitOf(toyModel(), toyTask(), config)];
    expect(facts((await rest.run({}, last)).rows)).toEqual(facts((await whole.run()).rows));
    expect(rest.vector.values).toEqual(whole.vector.values);
  });

  test('ends after maxSteps with an evaluation', async () => {
    const result = await fitOf(toyModel(), toyTask(), { ...config, maxSteps: 3 }).run();
    expect(result).toMatchObject({ status: 'completed', steps: 3 });
    expect(result.rows).toHaveLength(1);
  });

  test('a loss that is not finite names step and examples, and the best parameters stay', async () => {
    let batches = 0;
    const poisoned = toyTask((batch) =>
      ++batches > 8 + 2
        ? { ...batch, inputs: { ...batch.inputs, x: new Float32Array(2 * ROWS).fill(Number.NaN) } }
        : batch,
    );
    const model = toyModel();
    const fit = fitOf(model, poisoned, config);
    let afterFirstEpoch: number[] = [];
    const error = await fit
      .run({
        onEpoch: () => {
          afterFirstEpoch = model.parameters.flatMap(({ data }) => [...data]);
        },
      })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect((error as Error).message).toMatch(/^loss is NaN at step 11 \(length 2, examples 16, 17/);
    expect(model.parameters.flatMap(({ data }) => [...data])).toEqual(afterFirstEpoch);
  });

  describe('in 16-bit floats', () => {
    const options = { precision: 'f16' as const };
    /** The toy task with its loss multiplied. */
    const times = (factor: number): FitTask => {
      const task = toyTask();
      return { ...task, loss: (outputs, batch) => tf.mul(task.loss(outputs, batch), factor) };
    };
    const settings = { ...config, maxGradNorm: 1e9 };
    const valuesOf = async (task: FitTask, more: Partial<FitConfig> = {}, compiled = {}) => {
      const fit = fitOf(toyModel(), task, { ...settings, ...more }, compiled);
      const result = await fit.run();
      await fit.dispose();
      return { ...result, values: [...fit.vector.values] };
    };

    test('gradients below what they can hold are seen as float32 sees them', async () => {
      // Adam takes the same steps whatever the factor, up to epsilon, unless gradients vanish.
      const tiny = times(2 ** -22);
      const [wide, scaled, unscaled] = [
        await valuesOf(tiny),
        await valuesOf(tiny, {}, options),
        await valuesOf(tiny, { gradScaler: { initial: 1, growthInterval: 1e6 } }, options),
      ];
      const distance = (one: { values: number[] }) =>
        Math.max(...wide.values.slice(0, 4).map((value, i) => Math.abs(value - one.values[i]!)));
      const size = Math.max(...wide.values.map(Math.abs));
      expect(distance(scaled)).toBeLessThan(0.01 * size);
      expect(distance(unscaled)).toBeGreaterThan(0.1 * size);
      expect(scaled.rows.at(-1)!.skippedSteps).toBe(0);
      for (const [i, row] of scaled.rows.entries()) {
        expect(row.trainLoss / wide.rows[i]!.trainLoss).toBeCloseTo(1, 2);
        expect(row.meanGradientNorm / wide.rows[i]!.meanGradientNorm).toBeCloseTo(1, 1);
      }
    });

    test('a step that overflows changes nothing; the next is scaled half as much', async () => {
      const large = times(64);
      const seen: FitState[] = [];
      const model = toyModel();
      const fit = fitOf(model, large, settings, options);
      const result = await fit.run({ onState: (state) => void seen.push(structuredClone(state())) });
      const skipped = result.rows.at(-1)!.skippedSteps!;
      expect(skipped).toBeGreaterThan(2);
      expect(result.steps).toBe(32);
      const [first, second] = seen as [FitState, FitState];
      expect([...first.values]).toEqual(Array(6).fill(0));
      expect(first.optimiser.step).toBe(0);
      expect([first.gradScaler!.scale, second.gradScaler!.scale]).toEqual([2 ** 15, 2 ** 14]);
      expect(seen.at(-1)!.optimiser.step).toBe(32 - skipped);
      expect(seen.at(-1)!.gradScaler).toEqual({
        scale: 2 ** (16 - skipped),
        sinceChange: 32 - skipped,
        skippedSteps: skipped,
      });
      // The rate has the warm-up and the fall of the steps that were taken.
      expect(result.rows.at(-1)!.learningRate).toBeCloseTo((config.learningRate * skipped) / (32 - 3), 10);
      expect(result.best!.metric).toBeGreaterThan(58);
      await fit.dispose();

      for (const state of [seen[0]!, seen[3]!, seen[12]!]) {
        const again = fitOf(toyModel(), large, settings, options);
        await again.run({}, state);
        expect(again.vector.values).toEqual(fit.vector.values);
        await again.dispose();
      }
    });

    test('what is not finite for another reason is an error, with the way out', async () => {
      const endless = times(3e38);
      await expect(valuesOf(endless, {}, options)).rejects.toThrow(
        /^gradient norm is (NaN|Infinity) at step \d+.*: use bf16 or f32 \(f16 ends at 65,504\), lower/,
      );
    });
  });

  describe('evaluation by steps', () => {
    const bySteps = { ...config, epochs: 3, evaluationSteps: 5 };
    const run = async (hooks: FitHooks = {}, from?: FitState) => {
      const fit = fitOf(toyModel(), toyTask(), bySteps);
      const result = await fit.run(hooks, from);
      const values = [...fit.vector.values];
      await fit.dispose();
      return { ...result, values };
    };

    test('comes after every so many steps and the last, whatever the epochs', async () => {
      const seen: number[] = [];
      const { rows, best } = await run({ onStep: ({ step }) => void seen.push(step) });
      expect(seen).toHaveLength(24);
      expect(rows.map(({ step, epoch }) => [step, epoch])).toEqual([
        [5, 1],
        [10, 2],
        [15, 2],
        [20, 3],
        [24, 3],
      ]);
      const scores = rows.map(({ selection }) => selection[config.selection!.metric]!);
      expect(best).toMatchObject({
        metric: Math.max(...scores),
        step: rows[scores.indexOf(Math.max(...scores))]!.step,
      });
      // A row tells of the steps since the one before.
      const whole = fitOf(toyModel(), toyTask(), { ...config, epochs: 3 });
      const { rows: epochs } = await whole.run();
      await whole.dispose();
      const sum = (all: typeof rows, steps: readonly number[]) =>
        all.reduce((total, { trainLoss }, i) => total + trainLoss * steps[i]!, 0);
      expect(sum(rows, [5, 5, 5, 5, 4])).toBeCloseTo(sum(epochs, [8, 8, 8]), 6);
    });

    test('is the same in a run that goes on from any of its states', async () => {
      const states: FitState[] = [];
      const straight = await run({
        onState: (state) => void states.push(structuredClone(state())),
      });
      expect(states.length).toBeGreaterThan(20);
      for (const state of [states[3]!, states[4]!, states[7]!, states[8]!, states[14]!, states.at(-1)!]) {
        const again = await run({}, state);
        expect(again.values).toEqual(straight.values);
        expect(again.best).toEqual(straight.best);
        expect(again.rows.map(({ step, trainLoss, selection }) => [step, trainLoss, selection])).toEqual(
          straight.rows.map(({ step, trainLoss, selection }) => [step, trainLoss, selection]),
        );
      }
    });
  });

  test('an empty training set is refused', async () => {
    const empty = { ...toyTask(), trainBatches: () => [] };
    await expect(new Fit(toyModel(), empty, config).run()).rejects.toThrow(/no batches/);
  });

  describe('a batch in parts', () => {
    /** Logistic regression whose program gets as many rows as its bucket says, and a factor on their summed loss. */
    const spec = (rows: number) => ({
      x: { shape: [rows, 2], dtype: 'float32' as const },
      labels: { shape: [rows], dtype: 'int32' as const },
      lossScale: { shape: [], dtype: 'float32' as const },
    });
    const model = (): TrainableModel => ({
      ...toyModel(),
      penalty: ({ parameters: { w } }) => tf.mul(0.1, tf.sum(tf.square(w!))),
    });
    /** Every third example does not count, so that parts of equal size count unlike many. */
    const target = (i: number) => (i % 3 === 2 ? -1 : labelOf(points[i]!));
    const part = (examples: readonly number[], lossScale: number): Batch => ({
      bucket: examples.length,
      inputs: {
        x: Float32Array.from(examples.flatMap((i) => points[i]!)),
        labels: Int32Array.from(examples, target),
        lossScale: Float32Array.of(lossScale),
      },
      rows: examples.length,
      tokens: 2 * examples.length,
      examples,
    });
    const taskOf = (sizes: readonly number[]): FitTask => ({
      ...toyTask(),
      trainSpec: spec,
      loss: ({ logits }, { labels, lossScale }) => {
        const [rows] = labels!.shape as [number];
        const counted = tf.maximum(tf.sum(tf.cast(tf.greaterEqual(labels!, 0), 'float32')), 1);
        return tf.mul(tf.mul(crossEntropy(tf.reshape(logits!, [rows, 2]), labels!), counted), lossScale!);
      },
      trainBatches: () =>
        batchesOf(points).map((_, at) => {
          const examples = Array.from({ length: ROWS }, (_, i) => at * ROWS + i);
          const lossScale = 1 / examples.filter((i) => target(i) >= 0).length;
          const left = [...examples];
          const parts = sizes.map((size) => part(left.splice(0, size), lossScale));
          const whole = part(examples, lossScale);
          return sizes.length === 1 ? whole : { ...whole, inputs: {}, parts };
        }),
    });
    const { selection: _, ...still } = config;

    test.each([[[4, 4]], [[1, 4, 3]], [[2, 2, 2, 2]]])('of %j is one batch', async (sizes) => {
      const run = async (given: readonly number[]) => {
        const trained = model();
        // Masks differ from part to part, as they must; without dropout nothing may.
        trained.forward = (bindings, inputs) =>
          toyModel().forward({ weights: {}, parameters: bindings.parameters }, inputs);
        const fit = fitOf(trained, taskOf(given), still);
        const speeds: number[] = [];
        const result = await fit.run({
          onStep: ({ step, totalSteps }) => void speeds.push(step / totalSteps),
        });
        await fit.dispose();
        expect(speeds).toHaveLength(32);
        return { ...result, values: fit.vector.values };
      };
      const [whole, parts] = [await run([ROWS]), await run(sizes)];
      expect(parts.steps).toBe(32);
      for (const [i, row] of parts.rows.entries()) {
        expect(row.trainLoss / whole.rows[i]!.trainLoss).toBeCloseTo(1, 6);
        expect(row.meanGradientNorm / whole.rows[i]!.meanGradientNorm).toBeCloseTo(1, 5);
        // All parts' tokens over their common time.
        expect(row.tokensPerSecond * row.trainSeconds).toBeCloseTo(8 * ROWS * 2, 6);
      }
      for (const [i, value] of parts.values.entries()) expect(value / whole.values[i]!).toBeCloseTo(1, 5);
    });

    test('has dropout of its own in each part', async () => {
      const drawn: number[][] = [];
      const spied = model();
      const fit = fitOf(spied, taskOf([4, 4]), { ...still, maxSteps: 2 }, { executor: 'eager-cpu' });
      const { forward } = toyModel();
      spied.forward = (bindings, inputs) => {
        const ones = bindings.dropout?.(tf.ones([64]) as Tensor, 0.5);
        if (ones) drawn.push(Array.from(ones.dataSync()));
        return forward(bindings, inputs);
      };
      await fit.run();
      expect(new Set(drawn.map(String)).size).toBe(4);
    });

    test('chooses by a loss, the smaller the better', async () => {
      const fit = fitOf(
        model(),
        { ...taskOf([4, 4]), evaluationSpec: spec, evaluationBatches: () => [] },
        {
          ...config,
          epochs: 3,
          selection: { split: 'held out', metric: 'loss', isSmallerBetter: true },
        },
      );
      const losses = [0.5, 0.3, 0.4];
      fit.evaluate = async () => ({ loss: losses.shift()! });
      const { best, rows } = await fit.run();
      expect(best).toEqual({ epoch: 2, step: 16, metric: 0.3 });
      expect(rows.map(({ selection }) => selection.loss)).toEqual([0.5, 0.3, 0.4]);
    });
  });
});

test.runIf(isLinux)('values on the device take the steps that those of JavaScript take', async () => {
  const parts = (batch: Batch): Batch => ({ ...batch, parts: [batch, batch, batch] });
  const settings = { ...config, weightDecay: 0.1, maxGradNorm: 0.4 };
  const [host, resident] = await Promise.all(
    (['package', 'native'] as const).map(async (binding) => {
      const fit = new Fit(toyModel(), toyTask(parts), settings, { binding });
      let last: FitState | undefined;
      const { rows } = await fit.run({
        onState: (state) => {
          last = structuredClone(state());
        },
      });
      await fit.dispose();
      return { rows, state: last! };
    }),
  );
  expect(resident!.rows.map(({ selection }) => selection)).toEqual(
    host!.rows.map(({ selection }) => selection),
  );
  const { values, optimiser } = host!.state;
  for (const [i, value] of values.entries()) {
    expect(resident!.state.values[i]).toBeCloseTo(value, 5);
    expect(resident!.state.optimiser.firstMoment[i]).toBeCloseTo(optimiser.firstMoment[i]!, 5);
    expect(resident!.state.optimiser.secondMoment[i]).toBeCloseTo(optimiser.secondMoment[i]!, 5);
  }
  expect(resident!.state.optimiser.step).toBe(optimiser.step);
});

test.runIf(isLinux)('values with a rule of their own stay with JavaScript, which applies it', async () => {
  const model = toyModel();
  const [w, b] = model.parameters as [Parameter, Parameter];
  const bounded = { ...w, constrain: (data: Float32Array) => void data.fill(0.25) };
  const fit = new Fit({ ...model, parameters: [bounded, b] }, toyTask(), config, { binding: 'native' });
  await fit.run();
  expect([...fit.vector.values.slice(0, 4)]).toEqual([0.25, 0.25, 0.25, 0.25]);
  await fit.dispose();
});
