/** Which files are images. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../text.ts';

/** What {@link decodeImage} reads, by the ends of names. */
export const IMAGE_ENDINGS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'] as const;

export function isImageFile(name: string): boolean {
  return (IMAGE_ENDINGS as readonly string[]).includes(path.extname(name).toLowerCase());
}

/**
 * Files as they are given, and for a folder the images in it, by name.
 * @throws DataError for what is not there, or a folder without images
 */
export async function listImages(inputs: readonly string[]): Promise<string[]> {
  const lists = inputs.map(async (input) => {
    const found = await stat(input).catch((error: NodeJS.ErrnoException) => {
      throw new DataError(`cannot read ${input} (${error.code}): give an image file or a folder of images`);
    });
    if (!found.isDirectory()) return [input];
    const names = (await readdir(input)).filter(isImageFile).sort();
    if (names.length === 0)
      throw new DataError(`${input} has no images: names end in ${IMAGE_ENDINGS.join(', ')}`);
    return names.map((name) => path.join(input, name));
  });
  return (await Promise.all(lists)).flat();
}
