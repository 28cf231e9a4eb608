import { drained } from '../webhook/platform/files/standard-output.ts';
import { run } from './cli.ts';
import { terminalIo } from './io.ts';
import { withDirectStreams } from './standard-streams.ts';

const io = withDirectStreams(process);

// Exits at once when all is written: what is open then, such as kept connections, would be taken apart piece by piece.
// Not awaited at the top: the bundle is CommonJS, which starts faster.
void run(process.argv.slice(2), (wanted) => terminalIo(io, wanted)).then(async (code) => {
  await drained(io);
  process.exit(code);
});
