/** What the methods promise of a weight, at random trained values. */
import { readWeightSync, type WeightData } from '@psoft/engine';
import { describe, expect, test } from 'vitest';
import { getPeftModel, methodNamed, type PeftModel } from '../src/index.ts';
import { largestDifference, perturb, toyModel } from './toy.ts';

const targetModules = ['query_proj', 'dense'];

async function trained(method: string, options: object, spread = 0.3): Promise<PeftModel> {
  const model = await getPeftModel(toyModel(), methodNamed(method).configure({ ...options, targetModules }));
  perturb(model, 8, spread);
  return model;
}

/** Inner products of the rows of W [rows, columns]: the lengths of the neurons and the angles between them. */
function gram(data: ArrayLike<number>, columns: number): number[] {
  const rows = data.length / columns;
  return Array.from({ length: rows * rows }, (_, at) => {
    const [i, j] = [Math.floor(at / rows), at % rows];
    let sum = 0;
    for (let k = 0; k < columns; k++) sum += data[i * columns + k]! * data[j * columns + k]!;
    return sum;
  });
}

async function gramChange(model: PeftModel): Promise<number> {
  await model.merge();
  let worst = 0;
  for (const { name, inFeatures, weight } of model.layers.targets) {
    const merged = (model.weights.get(`${name}.weight`) as WeightData).data;
    const before = gram(readWeightSync(weight), inFeatures);
    worst = Math.max(worst, largestDifference(gram(merged, inFeatures), before));
  }
  return worst;
}

describe('rotating the input keeps lengths of and angles between the neurons of W', () => {
  test.each([
    ['oft', { oftBlockSize: 4, useCayleyNeumann: false }],
    ['oft', { oftBlockSize: 2, useCayleyNeumann: false, blockShare: true }],
    ['goft', {}],
  ])('%s %j', async (method, options) => {
    expect(await gramChange(await trained(method, options))).toBeLessThan(2e-5);
  });

  test('boft, its magnitudes apart', async () => {
    const model = await trained('boft', { boftBlockSize: 2, boftNButterflyFactor: 2 });
    for (const [key, { data }] of model.layers.state()) if (key.endsWith('boft_s')) data.fill(1);
    expect(await gramChange(model)).toBeLessThan(2e-5);
  });

  test.each([
    // The series of OFT is only nearly orthogonal, qGOFT is not, LoRA has no such aim.
    ['oft', { oftBlockSize: 4 }],
    ['qgoft', {}],
    ['lora', { r: 4 }],
  ])('which %s %j does not', async (method, options) => {
    expect(await gramChange(await trained(method, options))).toBeGreaterThan(1e-2);
  });
});

/** The change of the Gram matrix of s B R A against that of s B A, the principal part. */
async function principalChange(options: object): Promise<number> {
  const model = await trained('psoft', { r: 5, psoftAlpha: 10, ...options });
  let worst = 0;
  for (const { name, inFeatures, outFeatures } of model.layers.targets) {
    const [a, b] = ['psoft_A', 'psoft_B'].map((key) => model.layers.weights.get(`${name}.${key}`)!.data);
    const principal = new Float32Array(outFeatures * inFeatures);
    for (let i = 0; i < outFeatures; i++)
      for (let j = 0; j < inFeatures; j++)
        for (let k = 0; k < 5; k++)
          principal[i * inFeatures + j]! += 2 * b![i * 5 + k]! * a![k * inFeatures + j]!;
    const delta = await model.deltaWeight(name);
    const rotated = principal.map((value, i) => value + delta[i]!);
    worst = Math.max(worst, largestDifference(gram(rotated, inFeatures), gram(principal, inFeatures)));
  }
  return worst;
}

describe("PSOFT keeps the principal part's lengths and angles (the paper's theorem)", () => {
  const strict = { psoftMagA: false, psoftMagB: false };

  test('with strict orthogonality and orthonormal rows of A', async () => {
    expect(await principalChange(strict)).toBeLessThan(2e-5);
  });

  test.each([
    ['the vectors relax it', {}],
    ["PiSSA's factors do not meet its condition", { ...strict, abSvdInit: 'pissa_init' }],
    ['nor does all of S in A', { ...strict, abSvdInit: 'output_init' }],
    ['nor an unconstrained R', { ...strict, psoftOrth: false }],
  ])('%s', async (_, options) => {
    expect(await principalChange(options)).toBeGreaterThan(1e-2);
  });
});

test('constrained OFT stays within its bound after a step that leaves it', async () => {
  const model = await trained('oft', { oftBlockSize: 4, coft: true, eps: 0.2, useCayleyNeumann: false }, 3);
  const before = await gramChange(model);
  expect(before).toBeLessThan(2e-5);
  for (const { data, shape, constrain } of model.layers.parameters) {
    const [modules, blocks, entries] = shape as [number, number, number];
    const inside = data.slice();
    constrain!(inside);
    for (let row = 0; row < modules * blocks; row++) {
      const norm = (values: Float32Array) =>
        Math.hypot(...values.subarray(row * entries, (row + 1) * entries));
      expect(Math.SQRT2 * norm(inside)).toBeLessThan((0.2 / Math.sqrt(blocks)) * 1.0001);
      expect(norm(data)).toBeGreaterThan(norm(inside));
    }
    const again = inside.slice();
    constrain!(again);
    expect(largestDifference(again, inside)).toBeLessThan(1e-6);
  }
});
