import { Command } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';
import { addExecutionOptions, addRunOptions, executionOf, runOptionsOf } from './runOptions.ts';

afterEach(() => vi.restoreAllMocks());

async function parsed(args: readonly string[], add = addExecutionOptions): Promise<never> {
  let seen: unknown;
  const program = new Command().exitOverride();
  add(program.command('run')).action((options) => {
    seen = options;
  });
  await program.parseAsync(['run', ...args], { from: 'user' });
  return seen as never;
}

test('the action sees one executor, whatever said it', async () => {
  expect(executionOf(await parsed([]))).toEqual({ executor: 'cpu' });
  expect(executionOf(await parsed(['--device=cuda', '--precision=tf32']))).toEqual({
    executor: 'cuda',
    precision: 'tf32',
  });
  expect(executionOf(await parsed(['--executor=webgpu', '--threads=2']))).toEqual({
    executor: 'webgpu',
    threads: 2,
  });
  expect(executionOf(await parsed(['--device=cpu', '--executor=eager-wasm']))).toEqual({
    executor: 'eager-wasm',
  });
});

test('the precision of a run is no option of its execution', async () => {
  const options = runOptionsOf(await parsed(['--device=cuda', '--precision=bf16'], addRunOptions));
  expect(options).toMatchObject({ executor: 'cuda' });
  expect(options).not.toHaveProperty('precision');
});

test('what contradicts itself is refused before anything runs', async () => {
  await expect(parsed(['--device=cuda', '--executor=eager-cpu'])).rejects.toThrow(/contradict each other/);
  await expect(parsed(['--precision=tf32'])).rejects.toThrow(/"cpu" does not use/);
  await expect(parsed(['--executor=eager-cpu', '--precision=f16'])).rejects.toThrow(/leave --precision out/);
});

test('auto says what it took and why', async () => {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const { executor } = executionOf(await parsed(['--device=auto']));
  expect(['cpu', 'cuda', 'webgpu']).toContain(executor);
  expect(said.join('')).toMatch(new RegExp(`^device auto: took ${executor}(; no cuda \\(.+\\))?`));
});
