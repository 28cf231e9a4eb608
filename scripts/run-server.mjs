import { builtServer } from './built-server.mjs';

// node scripts/run-server.mjs NAME ARGUMENTS...: runs a program of the server, or a thread, from the sources as they are now.
const [name] = process.argv.splice(2, 1);
const program = await builtServer(name);
process.argv[1] = program.pathname;
await import(program.href);
