/** Renews the published JSON Schemas from the code: `nx run results:schema`. */
import { fileURLToPath } from 'node:url';
import { writeAtomically } from './atomic.ts';
import { IMPORTED_VERSION, importedJsonSchema } from './imported/schema.ts';
import { recordJsonSchema, SCHEMA_VERSION } from './schema.ts';

const published = {
  [`run-record.v${SCHEMA_VERSION}.json`]: recordJsonSchema(),
  [`imported-record.v${IMPORTED_VERSION}.json`]: importedJsonSchema(),
};
for (const [name, schema] of Object.entries(published)) {
  const file = fileURLToPath(new URL(`../schema/${name}`, import.meta.url));
  await writeAtomically(file, `${JSON.stringify(schema, undefined, 2)}\n`);
}
