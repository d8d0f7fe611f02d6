#!/usr/bin/env node
// The packages are TypeScript and run from source.
import { register } from 'tsx/esm/api';

register();
const { endWithReader, main } = await import('../src/main.ts');
endWithReader();
process.exitCode = await main(process.argv.slice(2));
