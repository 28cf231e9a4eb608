import { resolve } from 'node:path';
import { bundled } from './bundled.mjs';

// node scripts/run-bundled.mjs FILE.ts ARGUMENTS...: runs a program or a thread of the sources, bundled.
const [file] = process.argv.splice(1, 1, ...process.argv.splice(2, 1)) && [process.argv[1]];
process.argv[1] = resolve(file);
await import(await bundled(process.argv[1]));
