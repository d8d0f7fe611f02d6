/** Writes docs/audit.md from the paper's tables. Run `npm run docs:audit`; a test compares the file. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { audit, auditPage } from '../packages/results/src/audit/index.ts';
import { readPaper } from '../packages/results/src/paper/index.ts';

writeFileSync(
  fileURLToPath(new URL('../docs/audit.md', import.meta.url)),
  auditPage(audit(await readPaper())),
);
