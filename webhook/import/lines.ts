import { createReadStream, existsSync, openSync, readSync, closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KubeblameError, messageOf } from '../../shared/errors.ts';

/** One line of an input file, numbered from 1. */
export interface Line {
  file: string;
  number: number;
  text: string;
}

/** An input error, with the place. */
export function inputError(line: Pick<Line, 'file' | 'number'>, what: string, cause?: unknown): KubeblameError {
  return new KubeblameError(
    'input-invalid',
    `${line.file}, line ${line.number}: ${what}`,
    'mend the line, or pass it over with --keep-going',
    { cause },
  );
}

/** The lines of a file that are not empty; gzip is told by its first bytes, not by its name. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  if (!existsSync(file)) throw new KubeblameError('input-invalid', `there is no file ${file}`);
  const source = createReadStream(file);
  // pipeline() destroys both ends on an error; the error itself comes out of the iteration below.
  const stream = isGzip(file) ? pipeline(source, createGunzip(), () => undefined) : source;
  const lines = createInterface({ input: stream, crlfDelay: Infinity });
  let number = 0;
  let failure: unknown;
  stream.on('error', (error: Error) => {
    failure = error;
    lines.close();
  });
  try {
    for await (const text of lines) {
      number++;
      if (text.trim() !== '') yield { file, number, text };
    }
  } catch (error) {
    // Depending on Node's version the iteration fails too.
    failure ??= error;
  }
  if (failure !== undefined) {
    const where = `${file}, after line ${number}: ${messageOf(failure)}`;
    throw new KubeblameError('input-invalid', where, 'the file is damaged or cut off: get it again', {
      cause: failure,
    });
  }
}

/** Told by its first bytes. */
export function isGzip(file: string): boolean {
  const magic = Buffer.alloc(2);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, magic, 0, 2, 0);
  } finally {
    closeSync(descriptor);
  }
  return magic[0] === 0x1f && magic[1] === 0x8b;
}
