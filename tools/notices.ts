/** Writes THIRD-PARTY-NOTICES.md from the lock file. Run `npm run notices`; a test compares the file. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { collectNotices, noticesPage } from './notices/notices.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
writeFileSync(`${root}THIRD-PARTY-NOTICES.md`, noticesPage(collectNotices(root)));
