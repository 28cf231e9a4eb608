import { run } from './cli.ts';
import { terminalIo } from './io.ts';

process.exitCode = await run(process.argv.slice(2), (colour, pager) => terminalIo(process, colour, pager));
