/** Image files to pixels. */
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
    const { data, info } = await sharp(bytes, { failOn: 'truncated', ignoreIcc: true })
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
    throw new DataError(
      `${name}: cannot be decoded as an image: ${(error as Error).message.replace(/\s+/g, ' ')}`,
    );
  }
}
