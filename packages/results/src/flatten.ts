/** Objects as paths and values. */

/**
 * Every value that is no object, by its dotted path, in the order of the record. Lists are values; empty objects have
 * none.
 */
export function flatten(value: Readonly<Record<string, unknown>>, above = ''): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, one] of Object.entries(value)) {
    const path = above === '' ? key : `${above}.${key}`;
    if (typeof one === 'object' && one !== null && !Array.isArray(one))
      for (const [inner, leaf] of flatten(one as Record<string, unknown>, path)) found.set(inner, leaf);
    else if (one !== undefined) found.set(path, one);
  }
  return found;
}
