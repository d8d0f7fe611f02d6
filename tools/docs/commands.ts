/** Commands that documents quote: taken out of their code, and held against what there is. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Marked } from 'marked';

export interface Quoted {
  readonly words: readonly string[];
  /** As it stands there. */
  readonly text: string;
}

/** What a command line can be asked for. */
export interface KnownCommands {
  /** "nlu:cola" to the words after `psoft` that it runs, undefined for a target that runs something else. */
  readonly targets: ReadonlyMap<string, Target>;
  readonly scripts: ReadonlySet<string>;
  /** "runs list" to its flags. */
  readonly psoft: ReadonlyMap<string, PsoftCommand>;
  /** Settings of any adapter method as flags. */
  readonly methodFlags: ReadonlySet<string>;
  exists(file: string): boolean;
}

export interface Target {
  readonly psoft?: readonly string[];
  readonly configurations: readonly string[];
}

export interface PsoftCommand {
  readonly flags: ReadonlySet<string>;
  /** Passes words on that it does not know: settings of the method. */
  readonly takesMethodFlags: boolean;
  readonly hasSubcommands: boolean;
}

const SHELL = ['sh', 'bash', 'console', ''];
const STARTS = /^(?:\$ )?(?:npx )?(?:psoft|nx run|tsx|npm run|npm (?:start|test))\b/;

/** Commands in code blocks of a shell and in code within sentences. Comments are left out. */
export function quotedCommands(markdown: string): Quoted[] {
  const marked = new Marked({ gfm: true });
  const lines: string[] = [];
  marked.walkTokens(marked.lexer(markdown), (token) => {
    if (token.type === 'code' && SHELL.includes(token.lang ?? ''))
      lines.push(...token.text.replaceAll('\\\n', ' ').split('\n'));
    if (token.type === 'codespan') lines.push(token.text);
  });
  return lines.flatMap((line) => {
    const parts = line.split('|').map((part) => part.replace(/(?:^|\s)#\s.*$/, '').trim());
    return parts.filter((part) => STARTS.test(part)).map((text) => ({ text, words: wordsOf(text) }));
  });
}

/** Words as a shell cuts them, quotes taken off. */
function wordsOf(text: string): string[] {
  const words = text.replace(/^\$ /, '').match(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g) ?? [];
  return words.map((word) => word.replace(/['"]/g, ''));
}

/** @returns what is wrong with a quoted command, undefined if nothing is */
export function problemOf({ words: all }: Quoted, known: KnownCommands): string | undefined {
  const words = all[0] === 'npx' ? all.slice(1) : all;
  const [program, second, third] = words;
  if (program === 'npm') {
    if (second !== 'run') return undefined;
    return third === undefined || isPlaceholder(third) || known.scripts.has(third)
      ? undefined
      : `package.json has no script ${third}`;
  }
  if (program === 'tsx')
    return second === undefined || isPlaceholder(second) || known.exists(second)
      ? undefined
      : `there is no ${second}`;
  if (program === 'psoft') return psoftProblem(words.slice(1), known);
  return nxProblem(words.slice(2), known);
}

function nxProblem([name, ...rest]: readonly string[], known: KnownCommands): string | undefined {
  if (name === undefined || isPlaceholder(name)) return undefined;
  const [project, target, configuration] = name.split(':');
  const found = known.targets.get(`${project}:${target}`);
  if (found === undefined) return `there is no target ${project}:${target}`;
  const at = rest.indexOf('-c');
  const chosen = configuration || (at >= 0 ? rest[at + 1] : undefined);
  if (chosen !== undefined && !found.configurations.includes(chosen))
    return `${project}:${target} has no configuration ${chosen}; it has ${found.configurations.join(', ') || 'none'}`;
  const others = at >= 0 ? rest.toSpliced(at, 2) : rest;
  return found.psoft && psoftProblem([...found.psoft, ...others], known);
}

function psoftProblem(words: readonly string[], { psoft, methodFlags }: KnownCommands): string | undefined {
  const [first, second] = words;
  if (first === undefined || isPlaceholder(first) || first === '--help') return undefined;
  // "psoft runs list|show": all of them are in the documents by themselves.
  const outer = psoft.get(first);
  if (outer === undefined) return first.startsWith('-') ? undefined : `psoft has no command ${first}`;
  let name = first;
  if (outer.hasSubcommands) {
    if (second === undefined || isPlaceholder(second)) return undefined;
    name = `${first} ${second}`;
  }
  const command = psoft.get(name);
  if (command === undefined) return `psoft has no command ${name}`;
  for (const word of words.filter((one) => one.startsWith('--') && one !== '--')) {
    const flag = word.split('=')[0]!;
    if (flag === '--help' || command.flags.has(flag)) continue;
    if (!(command.takesMethodFlags && methodFlags.has(flag))) return `psoft ${name} has no option ${flag}`;
  }
  return undefined;
}

/** `RUN`, `COMMAND`, `X:Y`, `...`: words that stand for others. */
const isPlaceholder = (word: string): boolean => /^(?:[A-Z][A-Z0-9_:]*|\.\.\.|<.*>)$/.test(word);

/** Targets of every project.json of the workspace, and the psoft commands that they are. */
export function workspaceTargets(root: string): Map<string, Target> {
  const targets = new Map<string, Target>();
  for (const file of [
    ...projectFiles(path.join(root, 'packages')),
    ...projectFiles(path.join(root, 'experiments')),
  ]) {
    const project = JSON.parse(readFileSync(file, 'utf8')) as Project;
    for (const [target, { options, configurations = {} }] of Object.entries(project.targets)) {
      const psoft = /^node packages\/cli\/bin\/psoft\.mjs (.*)$/.exec(options?.command ?? '')?.[1];
      targets.set(`${project.name}:${target}`, {
        ...(psoft === undefined ? {} : { psoft: psoft.split(' ') }),
        configurations: Object.keys(configurations),
      });
    }
  }
  return targets;
}

/** Of a package or experiment, or of a folder within it. */
function projectFiles(parent: string): string[] {
  const folders = readdirSync(parent).map((name) => path.join(parent, name));
  const inner = folders.flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
  return [...folders, ...inner]
    .map((folder) => path.join(folder, 'project.json'))
    .filter((file) => existsSync(file));
}

interface Project {
  readonly name: string;
  readonly targets: Readonly<
    Record<string, { readonly options?: { readonly command?: string }; readonly configurations?: object }>
  >;
}
