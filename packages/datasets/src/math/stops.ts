/** Texts that end a generation. */

/** MetaMath's, for GSM8K and MATH alike. The bare words cut any answer that uses one of them. */
export const STOP_STRINGS: readonly string[] = [
  'Question:',
  'Question',
  'USER:',
  'USER',
  'ASSISTANT:',
  'ASSISTANT',
  'Instruction:',
  'Instruction',
  'Response:',
  'Response',
];

/** The text before the first occurrence of any stop string, which is left out with all that follows. */
export function cutAtStop(text: string, stops: readonly string[]): string {
  let end = text.length;
  for (const stop of stops) {
    if (stop === '') throw new Error('an empty stop string would cut every text; leave it out of the list');
    const found = text.indexOf(stop);
    if (found >= 0 && found < end) end = found;
  }
  return text.slice(0, end);
}
