/** The README's quick start is code that runs. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'psoft-readme-'));
// Inside this package, where the imports resolve as they do for a user who has installed them.
const script = fileURLToPath(new URL('./quickStart.generated.mts', import.meta.url));
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(script, { force: true });
});

test('the quick start runs as printed', async () => {
  const readme = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1];
  expect(code).toContain("savePretrained('runs/quick-start')");
  writeFileSync(script, code!.replaceAll('runs/quick-start', path.join(folder, 'quick-start')));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', pathToFileURL(path.join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href, script],
    { cwd: ROOT },
  );
  const [before, after, ...rest] = stdout.trim().split('\n');
  // 24 adapted layers of r(r-1)/2 + 2r, and pooler and classifier.
  expect(before).toMatch(/^trainable params: 50,882 \|\| all params: [\d,]+ \|\| trainable%: [\d.]+$/);
  expect([after, rest]).toEqual([before, []]);
  const files = readFileSync(path.join(folder, 'quick-start', 'adapter_config.json'), 'utf8');
  expect(JSON.parse(files)).toMatchObject({ peft_type: 'PSOFT', r: 32 });
});
