/**
 * What packages export, from their declarations: TypeScript 7's own API reads what its compiler has written. The API is
 * called unstable; the exact version of TypeScript is pinned, and a test holds what is read here.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { API, SymbolFlags, type Symbol as TypeScriptSymbol } from 'typescript/unstable/sync';
import type { WorkspacePackage } from '../packing/workspace.ts';

export interface EntryPoint {
  /** As it is imported: "@psoft/training/quick". */
  readonly name: string;
  /** Its declarations. */
  readonly file: string;
}

export interface ApiItem {
  readonly name: string;
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'value';
  /** Declarations without their doc comments, overloads and merged ones all; members keep theirs. */
  readonly code: string;
  /** Markdown; empty where there is none. */
  readonly comment: string;
  readonly tags: readonly { readonly name: string; readonly text: string }[];
  /** Source, relative to the packages' folder: "adapter/src/nearest.ts". */
  readonly source: string;
}

export interface ApiModule {
  readonly name: string;
  /** What the entry's file says of itself. */
  readonly comment: string;
  readonly items: readonly ApiItem[];
  /** Names that it hands on from other packages, which describe them. */
  readonly handedOn: readonly string[];
}

/** @param compiled where the packages were compiled to */
export function entryPoints(packages: readonly WorkspacePackage[], compiled: string): EntryPoint[] {
  return packages.flatMap(({ folderName, manifest }) =>
    Object.entries(manifest.exports ?? {})
      .filter(([, target]) => target.startsWith('./src/') && target.endsWith('.ts'))
      .map(([key, target]) => ({
        name: path.posix.join(manifest.name, key),
        file: path.join(compiled, folderName, target.replace(/\.ts$/, '.d.ts')),
      })),
  );
}

/**
 * @param folder for a project file; the declarations lie below it
 * @throws Error for an entry that is no module
 */
export function readApi(entries: readonly EntryPoint[], folder: string): ApiModule[] {
  const config = path.join(folder, 'tsconfig.api.json');
  const options = { module: 'NodeNext', target: 'ES2022', noEmit: true, types: [], skipLibCheck: true };
  writeFileSync(config, JSON.stringify({ compilerOptions: options, files: entries.map(({ file }) => file) }));
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProjects: [config] }).getProjects();
    const { checker, program } = project!;
    return entries.map(({ name, file }) => {
      const source = program.getSourceFile(file);
      const module = source && checker.getSymbolAtLocation(source);
      if (module === undefined) throw new Error(`${name}: ${file} exports nothing`);
      const items: ApiItem[] = [];
      const handedOn: string[] = [];
      for (const symbol of checker.getExportsOfModule(module)) {
        const actual = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
        const resolve: Resolve = (declaration) => declaration.resolve(project);
        const item = itemOf(symbol.name, actual, folder, resolve);
        if (item === undefined) handedOn.push(symbol.name);
        else items.push(item);
      }
      return { name, comment: fileComment(source!.text), items, handedOn };
    });
  } finally {
    api.close();
  }
}

type Declaration = NonNullable<TypeScriptSymbol['declarations']>[number];
type Resolve = (declaration: Declaration) => ReturnType<Declaration['resolve']>;

/** @returns undefined for what another package exports: it is described there */
function itemOf(
  name: string,
  symbol: TypeScriptSymbol,
  folder: string,
  resolve: Resolve,
): ApiItem | undefined {
  const nodes = (symbol.declarations ?? []).map(resolve).filter((node) => node !== undefined);
  const [first] = nodes;
  if (first === undefined) return undefined;
  const file = first.getSourceFile().fileName;
  const source = path.relative(folder, file).split(path.sep).join('/');
  if (source.startsWith('..')) return undefined;
  return {
    name,
    kind: kindOf(symbol.flags),
    code: nodes.map((node) => declarationText(statementOf(node))).join('\n'),
    // Overloads and merged declarations have one between them, as a rule.
    ...(nodes
      .map((node) => docComment(commentBefore(statementOf(node))))
      .find(({ comment }) => comment !== '') ?? NOTHING),
    source: source.replace(/\.d\.ts$/, '.ts'),
  };
}

const KINDS = [
  [SymbolFlags.Class, 'class'],
  [SymbolFlags.Function, 'function'],
  [SymbolFlags.Interface, 'interface'],
  [SymbolFlags.TypeAlias, 'type'],
] as const;

function kindOf(flags: number): ApiItem['kind'] {
  return KINDS.find(([flag]) => (flags & flag) !== 0)?.[1] ?? 'value';
}

type Declared = NonNullable<ReturnType<Resolve>>;

/** Of a variable, its declaration is but a part of the statement. */
function statementOf(node: Declared): Declared {
  if (/^(?:export|declare)\b/.test(node.getText())) return node;
  return node.parent?.parent ?? node;
}

/** Without what only declaration files say, and with the indentation of the sources. */
function declarationText(node: Declared): string {
  return node
    .getText()
    .replace(/^(?:export )?(?:declare )?/, '')
    .replace(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
}

function commentBefore(node: Declared): string {
  const before = node.getFullText().slice(0, node.getStart() - node.getFullStart());
  return before.match(/\/\*\*[\s\S]*?\*\//g)?.at(-1) ?? '';
}

const NOTHING = { comment: '', tags: [] };

/** A doc comment's text and tags, both as Markdown. */
export function docComment(raw: string): Pick<ApiItem, 'comment' | 'tags'> {
  const [comment, ...tags] = withoutStars(raw).split(/^@(?=[a-z])/m);
  return {
    comment: comment!.trim(),
    tags: tags.map((tag) => {
      const [, name, text] = /^([a-zA-Z]+)\s*([\s\S]*)$/.exec(tag)!;
      return { name: name!, text: text!.trim() };
    }),
  };
}

function withoutStars(raw: string): string {
  return raw
    .replace(/^\s*\/\*\*|\*\/\s*$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* */, '').trimEnd())
    .join('\n')
    .trim();
}

/** The doc comment that a file begins with, unless it is its first declaration's. */
export function fileComment(text: string): string {
  const match =
    /^\/\*\*(?:(?!\*\/)[\s\S])*\*\/(?=\s*\n\s*(?:import\b|export \{|export \*|export type \{|\/\*\*)|\s*$)/.exec(
      text,
    );
  if (match === null) return '';
  return withoutStars(match[0]);
}
