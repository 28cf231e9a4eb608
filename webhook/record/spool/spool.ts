import { existsSync, mkdirSync, rmSync, writevSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { isFull } from '../../platform/files/durable-file.ts';
import { END, HEADER_BYTES, headerOf, MAX_SPOOLED_BYTES, type Spooled } from './records.ts';
import { createSegment, newSegment, openSegment, segmentsIn } from './segments.ts';

/** What may lie in the spool: some twenty-five thousand reviews. More is refused with `overloaded`. */
export const SPOOL_BYTES = 256 * 1024 * 1024;
/** In so many files, each with room for two of the largest bodies that are read. */
const SEGMENTS = 16;

/** So many files are kept for the next burst. */
const KEPT_FREE = 2;

/** While writes are as quick as this, a lone review is written by the thread itself. */
const QUICK_MS = 2;

/**
 * How long at most an answer waits for the ledger, where the spool is half full: well below the second after which the API
 * server gives up (--webhook-timeout).
 */
const HELD_MS = 400;

type Entry = Omit<Spooled, 'number'>;

interface Waiting {
  entry: Entry;
  resolve: () => void;
  reject: (error: unknown) => void;
}

interface Segment {
  path: string;
  file: FileHandle;
  /** The number of its last review. */
  last: number;
}

export interface SpoolOptions {
  folder: string;
  /** The ledger's: ledgerNumber(). */
  ledger: number;
  /** The number of the first review. */
  next: number;
  /** Files with reviews before it that the ledger does not have yet, and the last number of each: not to be written over. */
  left: readonly { path: string; last: number }[];
  /** Told of the last number that is durable, before anybody is answered. */
  durable: (through: number) => void;
  maxBytes: number;
}

/**
 * Makes reviews durable at the price of one write, so that they can be answered before they are understood: the recorder
 * takes them into the ledger behind. Reviews that come while a write is on its way share the next one.
 */
export class Spool {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private writing = false;
  private closed = false;
  private whenIdle: (() => void) | null = null;
  private next: number;
  private current: Segment | null = null;
  private position = 0;
  /** Whose reviews are not all in the ledger yet, the oldest first. */
  private full: Omit<Segment, 'file'>[] = [];
  /** Whose are, to be written over. */
  private free: string[];
  /** The file that follows, made ready while the last one is being filled. */
  private ready: Promise<Omit<Segment, 'last'>> | null = null;
  /** Answers that wait for the ledger. */
  private readonly held = new Set<() => void>();
  private lastMs = Infinity;
  private readonly segmentBytes: number;

  constructor(private readonly options: SpoolOptions) {
    this.next = options.next;
    this.segmentBytes = Math.floor(options.maxBytes / SEGMENTS);
    // For its owner's eyes only.
    if (!existsSync(options.folder)) mkdirSync(options.folder, { mode: 0o700 });
    this.full = [...options.left];
    const left = new Set(options.left.map(({ path }) => path));
    this.free = segmentsIn(options.folder).filter((path) => !left.has(path));
  }

  /**
   * Resolves when the review is durable; where the spool is half full, also when the ledger has come nearer, so that whoever
   * sends waits for it. Rejects with overloaded, closing, body-too-large, or ledger-unwritable: then it is not there.
   */
  add(entry: Entry): Promise<void> {
    if (this.closed) return Promise.reject(new KubeblameError('closing', 'the server is shutting down'));
    const bytes = HEADER_BYTES + entry.body.length;
    // Redacting makes many small values larger. Nobody could read it back, nor what follows it in its file.
    if (bytes > this.segmentBytes || entry.body.length > MAX_SPOOLED_BYTES) {
      return Promise.reject(
        new KubeblameError('body-too-large', `a review of ${bytes} bytes has no room in the spool`),
      );
    }
    if (this.waitingBytes + bytes > 2 * this.segmentBytes) {
      return Promise.reject(overloaded(`${this.waiting.length} reviews wait for the disk`));
    }
    this.waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.waiting.push({ entry, resolve, reject });
      this.start();
    });
  }

  /** All reviews up to a number are in the ledger. */
  taken(through: number): void {
    const isTaken = ({ last }: { last: number }): boolean => last <= through;
    this.free.push(...this.full.filter(isTaken).map(({ path }) => path));
    this.full = this.full.filter((segment) => !isTaken(segment));
    for (const path of this.free.splice(KEPT_FREE)) removeUseless(path);
    if (!this.isHalfFull) this.release();
  }

  /** Takes no more; resolves when all that was taken is answered. */
  async close(): Promise<void> {
    this.closed = true;
    this.release();
    if (this.writing) await new Promise<void>((resolve) => (this.whenIdle = resolve));
    await this.current?.file.close();
    await this.ready?.then(({ file }) => file.close()).catch(() => undefined);
    this.current = this.ready = null;
  }

  private get isHalfFull(): boolean {
    return this.full.length * 2 >= SEGMENTS;
  }

  private release(): void {
    for (const answer of this.held) answer();
  }

  private start(): void {
    if (this.writing) return;
    this.writing = true;
    // Whatever else has arrived in this turn of the event loop shares the write.
    setImmediate(() => void this.run());
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) await this.writeBatch(this.nextBatch());
    this.writing = false;
    this.whenIdle?.();
  }

  /** What waits, as far as it fits into one file. */
  private nextBatch(): Waiting[] {
    let bytes = 0;
    const tooMany = this.waiting.findIndex(
      ({ entry }) => (bytes += HEADER_BYTES + entry.body.length) > this.segmentBytes,
    );
    // One at least: none is larger than a file.
    return this.waiting.splice(0, tooMany === -1 ? this.waiting.length : Math.max(tooMany, 1));
  }

  private async writeBatch(batch: readonly Waiting[]): Promise<void> {
    const buffers: Buffer[] = [];
    let [number, bytes] = [this.next, 0];
    for (const { entry } of batch) {
      buffers.push(headerOf({ ...entry, number: number++ }, this.options.ledger), entry.body);
      bytes += HEADER_BYTES + entry.body.length;
    }
    this.waitingBytes -= bytes;
    try {
      const segment = await this.segmentFor(bytes);
      const started = performance.now();
      // Nobody else waits, and to hand it to another thread and back takes as long as the disk does.
      const isLone = batch.length === 1 && this.lastMs < QUICK_MS;
      // What follows may be the rest of a write that failed, with the very next number.
      const ended = this.position + bytes + HEADER_BYTES <= this.segmentBytes;
      if (ended) buffers.push(END);
      const toWrite = bytes + (ended ? HEADER_BYTES : 0);
      const written = isLone
        ? writevSync(segment.file.fd, buffers, this.position)
        : (await segment.file.writev(buffers, this.position)).bytesWritten;
      if (written !== toWrite) throw new Error(`only ${written} of ${toWrite} bytes were written`);
      this.lastMs = performance.now() - started;
      segment.last = number - 1;
    } catch (error) {
      // The next write goes over what this one may have left: nobody was told that it is there.
      const failure = error instanceof KubeblameError ? error : unwritable(error);
      for (const { reject } of batch) reject(failure);
      return;
    }
    this.position += bytes;
    this.next = number;
    this.options.durable(number - 1);
    for (const { resolve } of batch) this.answer(resolve);
  }

  private answer(resolve: () => void): void {
    if (!this.isHalfFull || this.closed) {
      resolve();
      return;
    }
    const answer = (): void => {
      clearTimeout(timer);
      this.held.delete(answer);
      resolve();
    };
    const timer = setTimeout(answer, HELD_MS);
    this.held.add(answer);
  }

  /** The file that has room for so many bytes more. */
  private async segmentFor(bytes: number): Promise<Segment> {
    if (this.current !== null && this.position + bytes <= this.segmentBytes) {
      if (this.position * 2 > this.segmentBytes) this.makeReady().catch(() => undefined);
      return this.current;
    }
    if (this.current !== null) {
      const { path, file, last } = this.current;
      await this.endAt(file, this.position);
      // Before there is another one, which may not be to be had: it may be free when all in it is taken.
      this.full.push({ path, last });
      this.current = null;
      await file.close();
    }
    const { path, file } = await this.makeReady();
    this.ready = null;
    this.position = 0;
    this.current = { path, file, last: 0 };
    return this.current;
  }

  /** What a write left that failed must not be taken for what follows in the next file. */
  private async endAt(file: FileHandle, position: number): Promise<void> {
    if (position + HEADER_BYTES > this.segmentBytes) return;
    await file.write(END, 0, HEADER_BYTES, position);
  }

  /** Rejects with overloaded, or what the file system rejects with; then the next call tries again. */
  private makeReady(): Promise<Omit<Segment, 'last'>> {
    this.ready ??= this.openNext().catch((error: unknown) => {
      this.ready = null;
      throw error;
    });
    return this.ready;
  }

  private async openNext(): Promise<Omit<Segment, 'last'>> {
    const old = this.free.shift();
    if (old !== undefined) return { path: old, file: await openSegment(old) };
    const used = new Set([...this.full.map(({ path }) => path), ...(this.current === null ? [] : [this.current.path])]);
    if (used.size >= SEGMENTS) {
      throw overloaded('the spool is full: the ledger does not take reviews as fast as they come');
    }
    const { folder } = this.options;
    const path = newSegment(folder, used);
    await createSegment(folder, path, this.segmentBytes);
    return { path, file: await openSegment(path) };
  }
}

/** Where that fails, it only takes room, until another file is made in its place. */
function removeUseless(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A disk that fails is told of by whoever writes to it.
  }
}

function overloaded(message: string): KubeblameError {
  return new KubeblameError('overloaded', message);
}

function unwritable(error: unknown): KubeblameError {
  if (isFull(error)) {
    return new KubeblameError('ledger-full', 'the disk of the spool is full', 'make room, or grow the volume', {
      cause: error,
    });
  }
  return new KubeblameError(
    'ledger-unwritable',
    `the spool cannot be written: ${messageOf(error)}`,
    'check the disk: free space, permissions, and its health',
    { cause: error },
  );
}
