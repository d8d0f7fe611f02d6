/** Builds a cache of images in PSOFT_CACHE without end, in a process of its own that can be killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { cachedImages } from '../src/images/cache.ts';
import { imageProcessor } from '../src/images/processor.ts';

const bytes = await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
  .png()
  .toBuffer();
await cachedImages({
  source: 'test images',
  key: 'key',
  count: 1e6,
  processor: imageProcessor({ size: 5 }),
  onProgress: ({ done }) => console.log(done),
  async *images() {
    for (;;) {
      await sleep(2);
      yield { name: 'red.png', label: 0, bytes };
    }
  },
});
