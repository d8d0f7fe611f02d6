/** What a runtime says when a device cannot be used, made short. */

/** The first line without the place in the runtime's own source. */
export function oneLine(message: string): string {
  const first = message.trim().split('\n')[0] ?? '';
  const parts = /^\/\S+ .*?\bwas false\. (.*)$/.exec(first);
  return (parts?.[1] ?? first).slice(0, 400);
}
