/** Writes a strip of pictures for every generated task, for docs/vision.md: `nx run vision:contact-sheet`. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { generateImages, VISION_TASK_NAMES } from './tasks.ts';

const OUT = fileURLToPath(new URL('../../../../../docs/vision/', import.meta.url));
/** Those that runs are trained on: seed and size as in @psoft/training. */
const [SEED, SIZE] = [2026, 32];
const [COUNT, GAP, ZOOM] = [12, 2, 2];

await mkdir(OUT, { recursive: true });
for (const task of VISION_TASK_NAMES) {
  const images = generateImages(task, SEED, 'train', 800, SIZE)
    .slice(0, COUNT)
    .sort((a, b) => a.label - b.label);
  const parts = images.map(({ image: { data, width, height } }, at) => ({
    input: Buffer.from(data),
    raw: { width, height, channels: 3 as const },
    left: at * (SIZE + GAP),
    top: 0,
  }));
  const width = COUNT * (SIZE + GAP) - GAP;
  const strip = await sharp({ create: { width, height: SIZE, channels: 3, background: '#fff' } })
    .composite(parts)
    .png()
    .toBuffer();
  await sharp(strip)
    .resize(width * ZOOM, SIZE * ZOOM, { kernel: 'nearest' })
    .jpeg({ quality: 85 })
    .toFile(path.join(OUT, `${task}.jpg`));
}
