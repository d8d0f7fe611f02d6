/** Renews the published JSON Schema from the code: `nx run results:schema`. */
import { fileURLToPath } from 'node:url';
import { writeAtomically } from './atomic.ts';
import { recordJsonSchema, SCHEMA_VERSION } from './schema.ts';

const file = fileURLToPath(new URL(`../schema/run-record.v${SCHEMA_VERSION}.json`, import.meta.url));
await writeAtomically(file, `${JSON.stringify(recordJsonSchema(), undefined, 2)}\n`);
