import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { UNWRITTEN, watchOutput } from '../../platform/files/standard-output.ts';

/** Prints what went wrong and what to do, and sets the exit code. */
export async function run(work: () => Promise<void>): Promise<void> {
  watchOutput(process, tell);
  try {
    await work();
  } catch (error) {
    tell(error);
  }
}

function tell(error: unknown): void {
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (error instanceof KubeblameError) {
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  } else if (error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = error instanceof KubeblameError && error.code === 'stdout-failed' ? UNWRITTEN : 1;
}
