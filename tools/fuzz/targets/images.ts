/** Images, and what says how they are prepared. */
import path from 'node:path';
import { decodeImage } from '../../../packages/datasets/src/images/decode.ts';
import { loadImageProcessor } from '../../../packages/datasets/src/images/processor.ts';
import { readImageList, readListedImages } from '../../../packages/datasets/src/vtab/listed.ts';
import { filesOf, repositoryFile, repositoryFolder, withChanged } from '../files.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mutateJson } from '../mutate/json.ts';
import { mutateText } from '../mutate/text.ts';
import { expectThat, type Target } from '../target.ts';

const FIXTURES = 'packages/datasets/test/fixtures/images';
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="8" height="8"><image xlink:href="file:///etc/passwd" width="8" height="8"/></svg>';

export const images: Target = {
  name: 'images',
  async seeds() {
    const folder = await repositoryFolder(FIXTURES, (name) => /\.(png|jpg|webp)$/.test(name));
    return [
      ...[...folder.values()].map((file) => filesOf({ 'a.image': file })),
      filesOf({ 'a.image': SVG }),
      filesOf({ 'a.image': Buffer.from('R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs=', 'base64') }),
    ];
  },
  mutate: (files, random, other) =>
    withChanged(files, random, (name, content) =>
      String(content.subarray(0, 4)) === '<svg' && random.chance(0.7)
        ? mutateText(String(content), random, ['8000', 'href', '&xxe;'])
        : mutateBytes(content, random, other.get(name) ?? content),
    ),
  async read(_, files) {
    const { width, height, data } = await decodeImage(files.get('a.image')!, 'a.image');
    expectThat(data.length === 3 * width * height && data.length > 0, 'three bytes a pixel');
  },
};

export const imageConfigs: Target = {
  name: 'image-configs',
  async seeds() {
    const config = await repositoryFile('packages/tiny-models/checkpoints/vit-tiny/preprocessor_config.json');
    const image = await repositoryFile(`${FIXTURES}/plain.png`);
    return [
      filesOf({
        'preprocessor_config.json': config,
        'train800.txt': 'a b.png 1\nc.png 0\n',
        'a b.png': image,
        'c.png': image,
      }),
    ];
  },
  mutate: (files, random) =>
    withChanged(files, random, (name, content) => {
      if (name.endsWith('.json'))
        return mutateJson(String(content), random, [
          'do_resize',
          'size',
          'height',
          'width',
          'resample',
          'image_mean',
          'rescale_factor',
        ]);
      return name.endsWith('.txt')
        ? mutateText(String(content), random, ['../../x.png', '/etc/passwd', 'c.png 1e9', 'aux.png'])
        : content;
    }),
  async read(folder) {
    const processor = await loadImageProcessor(folder);
    const { width, height } = processor;
    const listed = await readImageList(path.join(folder, 'train800.txt'));
    expectThat(
      listed.every(({ label }) => label === (label | 0) && label >= 0),
      'classes are numbers of 32 bits',
    );
    for await (const { bytes, name } of readListedImages(listed, folder)) {
      const pixels = processor.fit(await decodeImage(bytes, name));
      const values = new Float32Array(3 * width * height);
      processor.normalise(pixels, values);
      expectThat(
        values.every((value) => Number.isFinite(value)),
        'pixels become finite numbers',
      );
    }
  },
  places: ['.png'],
};
