/**
 * From SVG to PNG, the same bytes on every machine: resvg as WebAssembly, and a font of our own (Arimo, as wide as Arial
 * and Helvetica, which the drawings ask for) in place of those that a machine happens to have.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

const require = createRequire(import.meta.url);
const FAMILY = 'Arimo';
/** Latin in two weights, and Greek for the names of vectors. */
const FACES = ['latin-400-normal', 'latin-700-normal', 'greek-400-normal'] as const;

/** Pixels of the picture for one of the drawing: print needs about 200 an inch. */
export const PNG_SCALE = 2;

let loading: Promise<readonly Uint8Array[]> | undefined;

/**
 * Paints a drawing.
 * @param svg without pictures and fonts of its own
 * @returns a PNG, `scale` times as wide and high
 */
export async function renderPng(svg: string, scale = PNG_SCALE): Promise<Uint8Array> {
  loading ??= load();
  const fontBuffers = await loading;
  const resvg = new Resvg(svg, {
    font: { fontBuffers: [...fontBuffers], defaultFontFamily: FAMILY, sansSerifFamily: FAMILY },
    fitTo: { mode: 'zoom', value: scale },
  });
  try {
    const image = resvg.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    resvg.free();
  }
}

/** WebAssembly may be set up once in a process. */
async function load(): Promise<readonly Uint8Array[]> {
  const read = (file: string) => readFile(require.resolve(file));
  await initWasm(await read('@resvg/resvg-wasm/index_bg.wasm'));
  return Promise.all(FACES.map((face) => read(`@fontsource/arimo/files/arimo-${face}.woff2`)));
}
