import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { productFlops, vitStepFlops } from '../bench/vitFlops.ts';
import {
  extentOf,
  METHODS,
  type MethodName,
  randomVit,
  trainableVit,
  trainingStep,
} from '../bench/vitModel.ts';

const size = { imageSize: 32, hidden: 128, layers: 3 };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'psoft-flops-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(Object.keys(METHODS) as MethodName[])(
  'the formula counts what the compiled step of %s multiplies',
  async (method) => {
    const model = await randomVit(size, folder);
    const trainable = await trainableVit(model, method, { dropout: 0.1, fullSvd: false });
    const { step } = await trainingStep(trainable, size, { batch: 2, dropout: 0.1, fullSvd: false });
    const counted = productFlops(step.program.graph!);
    await step.program.dispose();
    const formula = vitStepFlops(model, extentOf(size, 2), METHODS[method]).total;
    expect(counted / formula).toBeCloseTo(1, 6);
  },
);
