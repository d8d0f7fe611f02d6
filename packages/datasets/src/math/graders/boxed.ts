/** `\boxed{...}`, in which MATH gives its answers. */

/**
 * The last `\boxed{...}`, or `\fbox{...}` where there is none, found by counting braces: from the command to the
 * brace that closes it. Undefined without one, or where it is not closed.
 */
export function lastBoxed(text: string): string | undefined {
  const boxed = text.lastIndexOf('\\boxed');
  const start = boxed >= 0 ? boxed : text.lastIndexOf('\\fbox');
  if (start < 0) return undefined;
  let open = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') open++;
    else if (text[i] === '}' && --open === 0) return text.slice(start, i + 1);
  }
  return undefined;
}
