/** Writes docs/operators.md from the kernel table. Run `npm run docs:operators`; a test compares the file. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { operatorsPage } from '../packages/engine/src/kernels/coverage.ts';

writeFileSync(fileURLToPath(new URL('../docs/operators.md', import.meta.url)), operatorsPage());
