/** What is asked of tfjs-node's backends: every kernel as on tfjs's own, value and gradient, where they are installed. */
import { compile, type EagerExecutor, isExecutorInstalled } from '@psoft/engine';
import { describe, test } from 'vitest';
import { kernelCases } from './kernelCases.ts';
import { drawCase, expectParity, SEEDS, titleOf } from './kernelParity.ts';

export function tfjsNodeSuite(executor: EagerExecutor): void {
  const isInstalled = isExecutorInstalled(executor);
  describe.skipIf(!isInstalled)(`${executor}${isInstalled ? '' : ', which is not installed'}`, () => {
    describe.each(kernelCases.map((row) => [titleOf(row), row] as const))('%s', (_, row) => {
      test.each(SEEDS)('agrees with tfjs (seed %i)', async (seed) => {
        const { fn, specs, values, inputs } = drawCase(row, seed);
        const [reference, native] = [
          await compile(fn, { inputs: specs }, { executor: 'eager-cpu' }),
          await compile(fn, { inputs: specs }, { executor }),
        ];
        const [expected, actual] = [await reference.run(values), await native.run(values)];
        await Promise.all([reference.dispose(), native.dispose()]);
        expectParity(actual, expected, `${row.kernel}, seed ${seed}, shapes ${JSON.stringify(inputs)}`);
      });
    });
  });
}
