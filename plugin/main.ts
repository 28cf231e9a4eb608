import { run } from './cli.ts';
import { terminalIo } from './io.ts';

// Not awaited at the top: the bundle is CommonJS, which starts faster.
void run(process.argv.slice(2), (colour, pager) => terminalIo(process, colour, pager)).then((code) => {
  process.exitCode = code;
});
