/** Labelled images, whatever they came from. */
import { createHash } from 'node:crypto';
import type { Image } from './pixels.ts';

/** A split of an image data set, decoded and ready to be read at random. */
export interface ImageSplit {
  /** Where it came from, for messages and records. */
  readonly source: string;
  /** Classes, one an image. */
  readonly labels: Int32Array;
  /** SHA-256 of images and labels in order: the same content gives the same fingerprint, wherever it lay. */
  readonly fingerprint: string;
  /** What the user should know about it: images left out. */
  readonly note?: string;
  /** What an image is called in messages: its file, or its row. */
  name(index: number): string;
  /** Decoded pixels; from a cache file where they are not in memory. */
  image(index: number): Image;
}

/** A split that is held in memory. */
export function imagesInMemory(
  source: string,
  images: readonly { readonly image: Image; readonly label: number }[],
): ImageSplit {
  const hash = createHash('sha256');
  for (const { image, label } of images) {
    hash.update(`${JSON.stringify([image.width, image.height, label])}\n`);
    hash.update(image.data);
  }
  return {
    source,
    labels: Int32Array.from(images, ({ label }) => label),
    fingerprint: hash.digest('hex'),
    name: (index) => `${source}, image ${index + 1}`,
    image: (index) => images[index]!.image,
  };
}

/** Several splits as one, in order. */
export function joinImages(splits: readonly ImageSplit[]): ImageSplit {
  const places = splits.flatMap((split) => Array.from(split.labels, (_, index) => ({ split, index })));
  const hash = createHash('sha256');
  for (const { fingerprint } of splits) hash.update(`${fingerprint}\n`);
  return {
    source: splits.map(({ source }) => source).join(' and '),
    labels: Int32Array.from(places, ({ split, index }) => split.labels[index]!),
    fingerprint: hash.digest('hex'),
    name: (at) => places[at]!.split.name(places[at]!.index),
    image: (at) => places[at]!.split.image(places[at]!.index),
  };
}
