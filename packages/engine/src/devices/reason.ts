/** What a runtime says when a device cannot be used, made short. */

/** The first line without places in the runtime's own source, and without the machine's name, which CUDA's errors have. */
export function oneLine(message: string): string {
  const cuda = /\b((?:CUDA|CUDNN|CUBLAS|CURAND)\w* failure -?\d+: [^;\n]*?)\s*(?:;|$)/m.exec(message);
  if (cuda !== null) return cuda[1]!;
  const first = message.trim().split('\n')[0] ?? '';
  const parts = /^\/\S+ .*?\bwas false\. (.*)$/.exec(first);
  return (parts?.[1] ?? first).slice(0, 400);
}
