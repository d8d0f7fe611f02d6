/** The table of what can be compiled, as a page. */
import { tf } from '../tf.ts';
import { fusedKernels } from './fused.ts';
import { compositeNames, kernels } from './index.ts';

/** Markdown for docs/operators.md: compiled, refused and unknown kernels of TensorFlow.js, and our own. */
export function operatorsPage(): string {
  const own = new Set<string>([...compositeNames, 'Gemm', 'Loop']);
  const entries = Object.entries(kernels)
    // Made by a pass of others.
    .filter(([name]) => !(name in fusedKernels))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const compiled = entries
    .filter(([name, entry]) => 'infer' in entry && !own.has(name))
    .map(([name]) => name);
  const refused = entries.flatMap(([name, entry]) =>
    'reason' in entry ? [`| ${name} | ${entry.reason} |`] : [],
  );
  const unknown = tf
    .getKernelsForBackend('cpu')
    .map(({ kernelName }) => kernelName)
    .filter((name) => !(name in kernels))
    .sort();
  return `# Operators

What a compiled program may call. A program is ordinary TensorFlow.js code; these are the kernels its operations run.
Every compiled kernel is checked against TensorFlow.js's own cpu backend, value and gradient, on random inputs
(\`packages/engine/test/kernels.test.ts\`). This page is written by \`npm run docs:operators\`.

## Compiled
${compiled.map((name) => `\`${name}\``).join(', ')}

## Our own
Operations that ONNX has as one node or whose gradient is cheaper by hand; each also runs eagerly on every tfjs backend:
${[...own]
  .sort()
  .map((name) => `\`${name}\``)
  .join(', ')}

## Refused, with the way round
| kernel | reason |
|---|---|
${refused.join('\n')}

## Not yet
Adding one is a row in \`packages/engine/src/kernels\` (shape rule and ONNX nodes) and a row in
\`packages/engine/test/kernelCases.ts\`: ${unknown.map((name) => `\`${name}\``).join(', ')}
`;
}
