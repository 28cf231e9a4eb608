import { isUtf8 } from 'node:buffer';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { parseJson } from '../../../shared/json.ts';
import type { Json } from '../../../shared/types.ts';

/** The name that stands for the standard input. */
export const STDIN = '-';

/** Where something stands in an input. */
export interface Place {
  /** As people read it. */
  file: string;
  /** Of the line, from 1. */
  number: number;
}

export interface Line extends Place {
  /** Without its end. Where it is not UTF-8, what cannot be read is replaced. */
  text: string;
  isUtf8: boolean;
}

/** An input that cannot be read to its end: what came before is whole. */
export class InputCutOff extends KubeblameError {}

/** An input error, with the place. */
export function inputError(
  { file, number }: Place,
  what: string,
  cause?: unknown,
  hint = 'mend the line, or pass it over with --keep-going',
): KubeblameError {
  return new KubeblameError('input-invalid', `${file}, line ${number}: ${what}`, hint, { cause });
}

/** Throws KubeblameError json-*. */
export function parseLine({ text, isUtf8 }: Line): Json {
  if (!isUtf8) throw new KubeblameError('json-invalid', 'not UTF-8 text');
  return parseJson(text);
}

/**
 * The lines of a file that are not empty. `file` may be anything that can be read from its beginning to its end: a pipe, or `-` for the
 * standard input. gzip, of one member or several, is told by its first bytes, not by its name. Throws InputCutOff where
 * reading ends in an error, and input-invalid where it cannot begin.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const name = file === STDIN ? 'stdin' : file;
  const source: Readable = file === STDIN ? process.stdin : createReadStream(file);
  let number = 0;
  try {
    for await (const bytes of splitLines(await unpacked(source, name))) {
      number++;
      // A byte order mark; behind the first line where files were joined.
      const text = bytes.toString().replace(/^\uFEFF/, '');
      if (text.trim() !== '') yield { file: name, number, text, isUtf8: isUtf8(bytes) };
    }
  } catch (error) {
    if (error instanceof KubeblameError) throw error;
    throw readingFailed(name, number, error);
  } finally {
    source.destroy();
  }
}

function readingFailed(name: string, number: number, cause: unknown): KubeblameError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new KubeblameError('input-invalid', `there is no file ${name}`, undefined, { cause });
  if (code === 'EISDIR') return new KubeblameError('input-invalid', `${name} is a folder`, undefined, { cause });
  if (number === 0 && !code.startsWith('Z_')) {
    return new KubeblameError('input-invalid', `${name} cannot be read: ${messageOf(cause)}`, undefined, { cause });
  }
  const where = `${name}, after line ${number}: ${messageOf(cause)}`;
  return new InputCutOff('input-invalid', where, 'the file is damaged or cut off: get it again', { cause });
}

/** The content of a source, which need not be one that can be read twice. */
async function unpacked(source: Readable, name: string): Promise<AsyncIterable<Buffer>> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let start = Buffer.alloc(0);
  let ended = false;
  while (start.length < 2 && !ended) {
    const next = await chunks.next();
    if (next.done === true) ended = true;
    else start = Buffer.concat([start, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield start;
    while (!ended) {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  if (startsWith(start, 0xff, 0xfe) || startsWith(start, 0xfe, 0xff)) {
    const hint = 'convert it: iconv -f UTF-16 -t UTF-8';
    throw new KubeblameError('input-invalid', `${name} is UTF-16 text, expected UTF-8`, hint);
  }
  // pipeline() destroys both ends on an error; the error itself comes out of the iteration.
  return isGzip(start) ? pipeline(Readable.from(all()), createGunzip(), () => undefined) : all();
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** By bytes: JSON may hold other characters that some take for the end of a line. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      yield lineOf([...rest, chunk.subarray(from, end)]);
      rest = [];
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) yield lineOf(rest);
}

function lineOf(parts: Buffer[]): Buffer {
  const line = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
}

function startsWith(bytes: Buffer, first: number, second: number): boolean {
  return bytes[0] === first && bytes[1] === second;
}

function isGzip(start: Buffer): boolean {
  return startsWith(start, 0x1f, 0x8b);
}

/** Told by the first bytes of a file that can be read again. */
export function isGzipFile(file: string): boolean {
  const start = Buffer.alloc(2);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, start, 0, 2, 0);
  } finally {
    closeSync(descriptor);
  }
  return isGzip(start);
}
