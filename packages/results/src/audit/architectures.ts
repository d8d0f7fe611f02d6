/** Shapes of the four models, from their published configurations. */
import { PaperError } from '../paper/index.ts';

/** Linears of a layer by the paper's letters: query, key, value, output, and the feed-forward up, down and gate. */
export type ModuleName = 'Q' | 'K' | 'V' | 'O' | 'U' | 'D' | 'G';

export interface Linear {
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export interface Architecture {
  readonly layers: number;
  /** One of each a layer. */
  readonly linears: Readonly<Partial<Record<ModuleName, Linear>>>;
  /** Everything but a task's classifier. */
  readonly parameters: number;
  /** Values of the classifier over the smallest and the largest task; 0 for language models. */
  readonly classifier: readonly [smallest: number, largest: number];
}

const linear = (inFeatures: number, outFeatures: number): Linear => ({ inFeatures, outFeatures });

/** Encoders: all four projections of attention square, biases everywhere, two layer norms a layer. */
function encoder(hidden: number, inner: number): Pick<Architecture, 'linears'> & { readonly layer: number } {
  const square = linear(hidden, hidden);
  const linears = {
    Q: square,
    K: square,
    V: square,
    O: square,
    U: linear(hidden, inner),
    D: linear(inner, hidden),
  };
  return { linears, layer: weights(linears) + 4 * hidden + inner + hidden + 4 * hidden };
}

function weights(linears: Architecture['linears']): number {
  return Object.values(linears).reduce(
    (sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures,
    0,
  );
}

function deberta(): Architecture {
  const [hidden, layers, vocabulary, distances] = [768, 12, 128_100, 512];
  const { linears, layer } = encoder(hidden, 3072);
  const embeddings = (vocabulary + distances) * hidden + 4 * hidden;
  const pooler = hidden * hidden + hidden;
  // GLUE: one output for STS-B, two for the other five.
  const classifier = [pooler + hidden + 1, pooler + 2 * (hidden + 1)] as const;
  return { layers, linears, parameters: embeddings + layers * layer, classifier };
}

function vit(): Architecture {
  const [hidden, layers, patch, positions] = [768, 12, 16, 197];
  const { linears, layer } = encoder(hidden, 3072);
  const embeddings = 3 * patch * patch * hidden + hidden + hidden + positions * hidden;
  // VTAB-1K: two classes for Patch Camelyon, 397 for SUN397.
  const classifier = [2 * (hidden + 1), 397 * (hidden + 1)] as const;
  return { layers, linears, parameters: embeddings + layers * layer + 2 * hidden, classifier };
}

/** Llama 3: no biases, two RMS norms a layer and one at the end. */
function llama(
  hidden: number,
  inner: number,
  layers: number,
  keyValue: number,
  isTied: boolean,
): Architecture {
  const [square, narrow, up] = [linear(hidden, hidden), linear(hidden, keyValue), linear(hidden, inner)];
  const linears = { Q: square, K: narrow, V: narrow, O: square, U: up, G: up, D: linear(inner, hidden) };
  const embeddings = 128_256 * hidden * (isTied ? 1 : 2);
  const parameters = embeddings + layers * (weights(linears) + 2 * hidden) + hidden;
  return { layers, linears, parameters, classifier: [0, 0] };
}

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  'DeBERTaV3-base': deberta(),
  'ViT-B/16': vit(),
  'LLaMA-3.2-3B': llama(3072, 8192, 28, 1024, true),
  'LLaMA-3.1-8B': llama(4096, 14_336, 32, 1024, false),
};

/** @throws PaperError that lists the models there are */
export function architectureOf(model: string): Architecture {
  const found = ARCHITECTURES[model];
  if (found) return found;
  throw new PaperError(`unknown model "${model}"; known: ${Object.keys(ARCHITECTURES).join(', ')}`);
}

/**
 * All linears of a model that bear one of the letters, layer by layer.
 * @throws PaperError for a letter that the model does not have
 */
export function linearsOf(model: string, modules: readonly string[]): readonly Linear[] {
  const { layers, linears } = architectureOf(model);
  const ofLayer = modules.map((name) => {
    const found = linears[name as ModuleName];
    if (found) return found;
    throw new PaperError(`${model} has no linear "${name}"; it has ${Object.keys(linears).join(', ')}`);
  });
  return Array.from({ length: layers }, () => ofLayer).flat();
}

/** Input features over all adapted linears: what copies of inputs grow with. */
export function inputWidth(model: string, modules: readonly string[]): number {
  return linearsOf(model, modules).reduce((sum, { inFeatures }) => sum + inFeatures, 0);
}
