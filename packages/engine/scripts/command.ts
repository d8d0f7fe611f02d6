import { spawnSync } from 'node:child_process';

/** What went wrong, in one line for the user. */
export class AddError extends Error {
  override readonly name = 'AddError';
}

/** Runs a program with its output shown. @throws AddError if it is not there or fails */
export function command(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): void {
  // npm is a script on Windows, which only a shell finds.
  const shell = process.platform === 'win32' && program === 'npm';
  const { error, status, signal } = spawnSync(program, args, { stdio: 'inherit', shell, ...options });
  if (error !== undefined) throw new AddError(`${program} could not be run (${error.message}): install it`);
  if (status !== 0) throw new AddError(`${program} ended with ${signal ?? `exit code ${status}`}`);
}
