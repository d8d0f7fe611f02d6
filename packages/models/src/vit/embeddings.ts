/** From pixels to tokens. */
import { linear, type Scope, type Tensor, tf } from '@psoft/engine';
import type { Size } from '../configReader.ts';
import { gridOf, sizeText, type VitConfig } from './config.ts';
import { vitNames } from './parameters.ts';
import { interpolate } from './positions.ts';

/**
 * The class token and the patches, row by row, with their positions.
 * @param pixels float32 [batch, channels, height, width]
 * @returns [batch, 1 + patches, hidden]
 */
export function embed(scope: Scope, config: VitConfig, pixels: Tensor): Tensor {
  const { hiddenSize, patchSize, dropout } = config;
  const names = vitNames(config);
  const size = checkedSize(config, pixels);
  const [batch, channels] = pixels.shape as [number, number];
  const { rows, columns } = gridOf(size, patchSize);
  const kernel = tf.reshape(scope.weight(`${names.projection}.weight`), [
    hiddenSize,
    channels * patchSize.height * patchSize.width,
  ]);
  // The convolution moves by whole patches, so it is one product of all patches with its kernel.
  const projected = linear(patchRows(pixels, patchSize), kernel, scope.weight(`${names.projection}.bias`));
  const positions = positionsOf(scope, config, size);
  const patches = tf.add(tf.reshape(projected, [batch, rows * columns, hiddenSize]), positions.patches);
  const first = tf.add(scope.weight(names.classToken), positions.classToken);
  // Repeated by an addition: its gradient is one sum, that of a tile one addition for each image.
  const classTokens = tf.add(tf.zeros([batch, 1, hiddenSize]), first);
  return scope.dropout(tf.concat([classTokens, patches], 1), dropout.hidden);
}

/** [batch, channels, height, width] -> [batch·patches, channels·patch height·patch width] */
function patchRows(pixels: Tensor, patch: Size): Tensor {
  const [batch, channels, height, width] = pixels.shape as [number, number, number, number];
  const { rows, columns } = gridOf({ height, width }, patch);
  const cut = tf.reshape(pixels, [batch, channels, rows, patch.height, columns, patch.width]);
  const byPatch = tf.transpose(cut, [0, 2, 4, 1, 3, 5]);
  return tf.reshape(byPatch, [batch * rows * columns, channels * patch.height * patch.width]);
}

function positionsOf(scope: Scope, config: VitConfig, size: Size): { classToken: Tensor; patches: Tensor } {
  const { hiddenSize, imageSize, patchSize } = config;
  const table = scope.weight(vitNames(config).positions);
  const from = gridOf(imageSize, patchSize);
  const to = gridOf(size, patchSize);
  const classToken = tf.slice(table, [0, 0, 0], [1, 1, hiddenSize]);
  const patches = tf.slice(table, [0, 1, 0], [1, from.rows * from.columns, hiddenSize]);
  const same = from.rows === to.rows && from.columns === to.columns;
  return { classToken, patches: same ? patches : interpolate(patches, from, to) };
}

/** ViT takes images of its own size only, DINOv2 those that divide into whole patches. */
function checkedSize(config: VitConfig, pixels: Tensor | undefined): Size {
  const { family, channels, imageSize, patchSize } = config;
  const [, actualChannels, height, width] = pixels?.shape ?? [];
  const isImage = pixels?.rank === 4 && actualChannels === channels;
  if (family === 'vit') {
    if (!isImage || height !== imageSize.height || width !== imageSize.width)
      throw new Error(
        `pixelValues must be [batch, ${channels}, ${imageSize.height}, ${imageSize.width}] ` +
          `(num_channels and image_size of the config), got ${shapeText(pixels)}`,
      );
  } else if (!isImage || height! % patchSize.height !== 0 || width! % patchSize.width !== 0) {
    throw new Error(
      `pixelValues must be [batch, ${channels}, height, width] with a size that is a multiple of patch_size ` +
        `${sizeText(patchSize)}, got ${shapeText(pixels)}`,
    );
  }
  return { height: height!, width: width! };
}

function shapeText(tensor: Tensor | undefined): string {
  return tensor === undefined ? 'nothing' : `[${tensor.shape}]`;
}
