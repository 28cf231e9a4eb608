import { fstatSync, writeSync } from 'node:fs';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';

/** process.stdout, as Node has it. */
type Stream = NodeJS.WriteStream & { fd?: number };

/** What a process ends with where its output cannot be written: git's code. */
export const UNWRITTEN = 128;
/** As a shell reports a program that SIGPIPE ended: what git and kubectl are ended by where nobody reads on. */
export const BROKEN_PIPE = 141;

/**
 * Writes all of a text to stdout. Throws stdout-failed where a file does not take it: Node itself passes over a disk that
 * takes only the beginning. Of a pipe or a terminal failures come later, to what `watchOutput` was given.
 */
export function writeOut(stdout: Stream, text: string): void {
  const fd = fileOf(stdout);
  if (fd === null) {
    stdout.write(text);
    return;
  }
  const bytes = Buffer.from(text);
  try {
    for (let from = 0; from < bytes.length;) from += writeSync(fd, bytes, from);
  } catch (error) {
    throw outputFailed(error);
  }
}

/**
 * Ends the process where the reader of a pipe has gone, without a word, and tells `failed` of all else that keeps output
 * from being written. What cannot be written to stderr is lost: there is nowhere to say so.
 */
export function watchOutput(process: NodeJS.Process, failed: (error: KubeblameError) => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
    failed(outputFailed(error));
  });
  process.stderr.on('error', () => undefined);
}

/** Resolves when all that was written to both streams has been taken, or never will be. */
export async function drained({ stdout, stderr }: { stdout: Stream; stderr: Stream }): Promise<void> {
  for (const stream of [stdout, stderr]) {
    if (fileOf(stream) === null) await new Promise<void>((resolve) => stream.write('', () => resolve()));
  }
}

function outputFailed(error: unknown): KubeblameError {
  return new KubeblameError(
    'stdout-failed',
    `the output cannot be written: ${messageOf(error)}`,
    'what was written is not all of it',
    { cause: error },
  );
}

/** The descriptor of a file, or of a device such as /dev/full: a write to it is done when it returns. Otherwise null. */
function fileOf({ isTTY, fd }: Stream): number | null {
  if (isTTY || fd === undefined) return null;
  const stats = fstatSync(fd);
  return stats.isFile() || stats.isCharacterDevice() || stats.isBlockDevice() ? fd : null;
}
