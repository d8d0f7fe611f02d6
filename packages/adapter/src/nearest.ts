/**
 * Levenshtein distance: the least number of inserted, deleted and replaced characters that turn `a` into `b`.
 * Row-by-row dynamic programming (Wagner and Fischer 1974).
 */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known names closest to `name`, best first, leaving out those that share less than half of it. */
export function nearest(name: string, known: Iterable<string>, count = 3): string[] {
  const wanted = name.toLowerCase();
  return [...new Set(known)]
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(name.length, candidate.length) / 2)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** "; did you mean query_proj or key_proj?", or the list of known names when none is near. */
export function suggestion(name: string, known: Iterable<string>): string {
  const names = [...new Set(known)];
  const close = nearest(name, names);
  if (close.length > 0) return `; did you mean ${close.join(' or ')}?`;
  const listed = names.slice(0, 12).join(', ');
  return `; known: ${listed}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`;
}
