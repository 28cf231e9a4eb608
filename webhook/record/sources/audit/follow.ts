import { open, stat, type FileHandle } from 'node:fs/promises';
import { isUtf8 } from 'node:buffer';
import type { Line } from '../../../platform/files/lines.ts';

/** Read at once, and handed over at once at most (bytes). */
const CHUNK = 256 * 1024;
const BATCH = 4 * 1024 * 1024;
/** A line that is longer is no event: it is handed over as it is, in pieces. */
const MAX_LINE = 16 * 1024 * 1024;

export interface FollowOptions {
  /** Ends it. */
  signal: AbortSignal;
  /** Resolves when it is time to look again, or the signal ends it. */
  wait: () => Promise<void>;
}

/**
 * The lines of a file that grows, from its beginning on, in batches: each as soon as there is nothing more to read. A file that was renamed
 * and begun anew (rotated), or emptied, is read to its end, and then the new one from its beginning; one that is not there yet is waited for.
 */
export async function* followLines(file: string, { signal, wait }: FollowOptions): AsyncGenerator<Line[]> {
  let reading: Reading | null = null;
  try {
    while (!signal.aborted) {
      reading ??= await Reading.begin(file);
      const lines = reading === null ? [] : await reading.more(signal);
      if (lines.length > 0) {
        yield lines;
        continue;
      }
      if (reading !== null && (await reading.isOver())) {
        // What was written between the last look and the rename.
        const rest: Line[] = await reading.more(signal);
        const last = reading.rest();
        if (rest.length + last.length > 0) yield [...rest, ...last];
        await reading.close();
        reading = null;
        continue;
      }
      await wait();
    }
  } finally {
    await reading?.close();
  }
}

/** One file, from its beginning to where it ends now. */
class Reading {
  private position = 0;
  private number = 0;
  private left: Buffer[] = [];
  private leftBytes = 0;

  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    private readonly inode: bigint,
  ) {}

  /** null where there is no such file. */
  static async begin(file: string): Promise<Reading | null> {
    try {
      const handle = await open(file);
      return new Reading(file, handle, (await handle.stat({ bigint: true })).ino);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  /** The whole lines that have come since; as many as are handed over at once. */
  async more(signal: AbortSignal): Promise<Line[]> {
    const lines: Line[] = [];
    for (let bytes = 0; bytes < BATCH && !signal.aborted;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const { bytesRead } = await this.handle.read(chunk, 0, CHUNK, this.position);
      if (bytesRead === 0) break;
      this.position += bytesRead;
      bytes += bytesRead;
      this.split(chunk.subarray(0, bytesRead), lines);
    }
    return lines;
  }

  /** Whether something else has its name now, or it was emptied. */
  async isOver(): Promise<boolean> {
    try {
      const now = await stat(this.file, { bigint: true });
      return now.ino !== this.inode || now.size < BigInt(this.position);
    } catch (error) {
      // Renamed, and not yet begun anew.
      return (error as NodeJS.ErrnoException).code === 'ENOENT';
    }
  }

  /** What stands behind the last line's end. */
  rest(): Line[] {
    const lines: Line[] = [];
    if (this.leftBytes > 0) this.end([], lines);
    return lines;
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private split(chunk: Buffer, lines: Line[]): void {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      this.end([chunk.subarray(from, end)], lines);
      from = end + 1;
    }
    if (from === chunk.length) return;
    this.left.push(chunk.subarray(from));
    this.leftBytes += chunk.length - from;
    if (this.leftBytes > MAX_LINE) this.end([], lines);
  }

  private end(last: Buffer[], lines: Line[]): void {
    const bytes = Buffer.concat([...this.left, ...last]);
    this.left = [];
    this.leftBytes = 0;
    this.number++;
    const text = bytes.toString();
    if (text.trim() !== '') lines.push({ file: this.file, number: this.number, text, isUtf8: isUtf8(bytes) });
  }
}
