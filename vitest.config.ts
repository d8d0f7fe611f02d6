import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'experiments/*/test/**/*.test.ts',
    ],
    // Each file in a process of its own: tfjs keeps one engine per process, and native aborts stay contained.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
