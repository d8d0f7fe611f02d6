/** The fixed inputs: what a campaign found, or what was thought of, kept small and as text. `corpus/<target>.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { filesOf } from './files.ts';
import type { Files } from './target.ts';

/** Text, bytes in base64, or a text so many times. */
type Part = string | { readonly base64: string } | { readonly text: string; readonly times: number };

export interface CorpusEntry {
  /** What is wrong with it. */
  readonly about: string;
  /** Contents by path; of parts, one after the other. */
  readonly files: Readonly<Record<string, Part | readonly Part[]>>;
  /** A part of the message, or "was read". */
  readonly says: string;
}

export function corpusOf(target: string): readonly CorpusEntry[] {
  const file = new URL(`corpus/${target}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

export const filesIn = ({ files }: Pick<CorpusEntry, 'files'>): Files =>
  filesOf(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, contentOf(content)])));

const contentOf = (content: Part | readonly Part[]): Uint8Array =>
  Buffer.concat((Array.isArray(content) ? (content as Part[]) : [content as Part]).map(bytesOf));

function bytesOf(part: Part): Buffer {
  if (typeof part === 'string') return Buffer.from(part);
  return 'base64' in part ? Buffer.from(part.base64, 'base64') : Buffer.from(part.text.repeat(part.times));
}
