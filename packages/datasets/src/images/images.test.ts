/** Decoding and resizing against Pillow (tools/reference/images.py). */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decodeImage } from './decode.ts';
import { imageProcessor, loadImageProcessor } from './processor.ts';
import { type Resample, resize } from './resize.ts';

const FIXTURES = fileURLToPath(new URL('../../test/fixtures/images/', import.meta.url));
interface Described {
  readonly size: readonly [number, number];
  readonly sha256: string;
  readonly first: readonly number[];
}
const { files, resizes } = JSON.parse(readFileSync(path.join(FIXTURES, 'expected.json'), 'utf8')) as {
  files: Record<string, Described & { resized: Record<string, Described> }>;
  resizes: (Described & { from: readonly [number, number]; pixels: string; resample: Resample })[];
};
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const bytesOf = (name: string) => readFileSync(path.join(FIXTURES, name));

describe.each(Object.entries(files))('%s', (name, { size, sha256: hash, first, resized }) => {
  test('is decoded and resized as by Pillow, to the bit', async () => {
    const image = await decodeImage(bytesOf(name), name);
    expect([image.width, image.height]).toEqual(size);
    expect([...image.data.subarray(0, 12)]).toEqual(first);
    expect(sha256(image.data)).toBe(hash);
    for (const resample of [2, 3] as const)
      expect(sha256(resize(image, 16, 16, resample).data)).toBe(resized[resample]!.sha256);
  });
});

test('every kind of file is among them', () => {
  expect(readdirSync(FIXTURES).filter((name) => name !== 'expected.json')).toEqual(Object.keys(files).sort());
});

test.each(resizes)(
  '$from becomes $size with filter $resample',
  ({ from, pixels, size, resample, ...expected }) => {
    const image = { width: from[0], height: from[1], data: Uint8Array.from(Buffer.from(pixels, 'hex')) };
    const { width, height, data } = resize(image, size[0], size[1], resample);
    expect([width, height]).toEqual(size);
    expect([...data.subarray(0, 12)]).toEqual(expected.first);
    expect(sha256(data)).toBe(expected.sha256);
  },
);

describe('what cannot be decoded', () => {
  test.each([
    ['nothing', () => new Uint8Array()],
    ['text', () => Buffer.from('<html>not found</html>')],
    ['half a JPEG', () => bytesOf('full.jpg').subarray(0, 1500)],
    ['half a PNG', () => bytesOf('plain.png').subarray(0, 800)],
  ])('%s is named', async (_, bytes) => {
    const error = (await decodeImage(bytes(), 'train row 7').catch((thrown: unknown) => thrown)) as Error;
    expect(error.name).toBe('DataError');
    expect(error.message).toMatch(/^train row 7: cannot be decoded as an image: [^\n]+$/);
  });
  test('a size of nothing', () => {
    const image = { width: 1, height: 1, data: new Uint8Array(3) };
    expect(() => resize(image, 0, 4)).toThrow('an image cannot have a width of 0');
  });
});

describe('the image processor', () => {
  test('of ViT resizes, scales to [-1, 1] and puts channels first', () => {
    const processor = imageProcessor({
      size: { height: 2, width: 3 },
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    });
    const pixels = processor.fit({
      width: 3,
      height: 2,
      data: Uint8Array.from({ length: 18 }, (_, i) => i * 15),
    });
    const batch = new Float32Array(2 * 18);
    processor.normalise(pixels, batch, 18);
    expect([...batch.subarray(0, 18)]).toEqual(new Array(18).fill(0));
    expect(batch[18]).toBe(-1);
    // Second place of the first channel: byte 45.
    expect(batch[19]).toBe(Math.fround((45 / 255) * 2 - 1));
    expect(batch[18 + 17]).toBe(1);
  });
  test('older files give the size as one number, and leave out what is usual', () => {
    const { width, height } = imageProcessor({ size: 224, do_normalize: true });
    expect([width, height]).toEqual([224, 224]);
  });
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['cropping', { do_center_crop: true }, /do_center_crop/],
    ['no resizing', { do_resize: false }, /do_resize/],
    ['another filter', { resample: 1 }, /resample is 1, supported: 2/],
    ['a size by the shortest edge', { size: { shortest_edge: 256 } }, /size is \{"shortest_edge":256\}/],
    ['two channels', { image_mean: [0.5, 0.5] }, /image_mean is \[0\.5,0\.5\], expected three numbers/],
  ])('%s is refused', (_, config, message) => {
    expect(() => imageProcessor(config)).toThrow(message);
  });
  test('from a folder, with its file in messages', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'processor-'));
    await expect(loadImageProcessor(folder)).rejects.toThrow(/no preprocessor_config\.json in /);
    writeFileSync(path.join(folder, 'preprocessor_config.json'), '{ "size": 0 }');
    await expect(loadImageProcessor(folder)).rejects.toThrow(/preprocessor_config\.json: size is 0/);
    writeFileSync(path.join(folder, 'preprocessor_config.json'), '{ "size": 8 }');
    expect((await loadImageProcessor(folder)).width).toBe(8);
    rmSync(folder, { recursive: true });
  });
});
