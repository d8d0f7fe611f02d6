/** The fixed inputs: what a campaign found, kept small and as text. `corpus/<target>.json`. */
import { existsSync, readFileSync } from 'node:fs';
import { filesOf } from './files.ts';
import type { Files } from './target.ts';

export interface CorpusEntry {
  /** What is wrong with it. */
  readonly about: string;
  /** Text, or bytes in base64. */
  readonly files: Readonly<Record<string, string | { readonly base64: string }>>;
  /** The beginning of the error's message behind the file's name, or "was read". */
  readonly says: string;
}

export function corpusOf(target: string): readonly CorpusEntry[] {
  const file = new URL(`corpus/${target}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
}

export const filesIn = ({ files }: CorpusEntry): Files =>
  filesOf(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [
        name,
        typeof content === 'string' ? content : Buffer.from(content.base64, 'base64'),
      ]),
    ),
  );

/** Files as a corpus holds them. */
export function packed(files: Files): CorpusEntry['files'] {
  return Object.fromEntries(
    [...files].map(([name, content]) => {
      const text = Buffer.from(content).toString('utf8');
      const isText = Buffer.from(text).equals(Buffer.from(content)) && !/(?![\t\n\r])\p{Cc}/u.test(text);
      return [name, isText ? text : { base64: Buffer.from(content).toString('base64') }];
    }),
  );
}
