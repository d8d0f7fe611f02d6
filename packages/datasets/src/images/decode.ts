/** Image files to pixels. */
import { reasonOf } from '@psoft/engine/errors';
import { DataError } from '../text.ts';
import type { Image } from './pixels.ts';

/**
 * Decodes JPEG, PNG, WebP, GIF, TIFF or AVIF to RGB, as Pillow's `convert("RGB")` does: grey is repeated, transparency is
 * dropped and not blended, colour profiles and the camera's orientation are not looked at.
 * @param name for messages
 * @throws DataError naming the image for what cannot be decoded, or only in part
 */
export async function decodeImage(bytes: Uint8Array, name: string): Promise<Image> {
  const { default: sharp } = await import('sharp');
  try {
    const format = formatOf(bytes);
    if (format === undefined) throw new Error(`it is none of ${Object.keys(FORMATS).join(', ')}`);
    const { data, info } = await sharp(bytes, {
      failOn: 'truncated',
      ignoreIcc: true,
      limitInputPixels: MOST_PIXELS,
    })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion to RGB`);
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    throw new DataError(`${name}: cannot be decoded as an image: ${reasonOf(error)}`, { cause: error });
  }
}

/** 200 MB of pixels: some hundred bytes can claim far more. */
const MOST_PIXELS = 2 ** 26;

/** How files begin. The library below reads more, among them SVG, which draws what others wrote and names other files. */
const FORMATS: Readonly<Record<string, (start: string) => boolean>> = {
  JPEG: (start) => start.startsWith('\xff\xd8\xff'),
  PNG: (start) => start.startsWith('\x89PNG'),
  WebP: (start) => start.startsWith('RIFF') && start.startsWith('WEBP', 8),
  GIF: (start) => start.startsWith('GIF8'),
  TIFF: (start) => ['II*\0', 'II+\0', 'MM\0*', 'MM\0+'].some((mark) => start.startsWith(mark)),
  AVIF: (start) => start.startsWith('ftyp', 4),
};

function formatOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  return Object.keys(FORMATS).find((name) => FORMATS[name]!(start));
}
