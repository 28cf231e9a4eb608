import { closeSync, openSync, readSync } from 'node:fs';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { bodyBytes, HEADER_BYTES, MAX_SPOOLED_BYTES, spooledOf, type Spooled } from './records.ts';
import { listSegments } from './segments.ts';

/** A place in one of the spool's files. */
interface Place {
  fd: number;
  at: number;
}

/** Reads what lies in a spool, while another thread adds to it, or after the process that did has ended. */
export class SpoolReader {
  private place: Place | null = null;
  /** The number that stands at the place. */
  private next = NaN;
  /** What is read is soon parsed, and let go: the same memory does for all. */
  private buffer = Buffer.alloc(64 * 1024);

  /** `ledger`: its ledgerNumber(). */
  constructor(
    private readonly folder: string,
    private readonly ledger: number,
  ) {}

  /**
   * The review of a number; null where it is not there, or not whole. Its body is overwritten by the next call. Throws
   * ledger-unwritable, as the others do: what cannot be read here cannot be recorded.
   */
  read(number: number): Spooled | null {
    return told(() => this.find(number));
  }

  private find(number: number): Spooled | null {
    if (number !== this.next) this.close();
    const found = this.here(number) ?? (this.moveTo(number) ? this.here(number) : null);
    this.next = found === null ? NaN : number + 1;
    return found;
  }

  /** The lowest number after one that some file begins with; null where none does. */
  firstAfter(number: number): number | null {
    const after = told(() => this.firsts()).filter(({ first }) => first > number);
    return after.length === 0 ? null : Math.min(...after.map(({ first }) => first));
  }

  /** The last number that there is, from one on; the one before it where there is none. */
  last(from: number): number {
    for (let number = from; ;) {
      if (this.read(number) !== null) number++;
      else {
        const next = this.firstAfter(number);
        if (next === null) return number - 1;
        number = next;
      }
    }
  }

  close(): void {
    if (this.place !== null) closeSync(this.place.fd);
    this.place = null;
  }

  /** Reads on from the place, where that is the number's. */
  private here(number: number): Spooled | null {
    if (this.place === null) return null;
    const found = this.recordAt(this.place, number);
    if (found !== null) this.place.at += HEADER_BYTES + found.body.length;
    return found;
  }

  /** To where a number should stand. */
  private moveTo(number: number): boolean {
    this.close();
    const [segment] = this.firsts()
      .filter(({ first }) => first <= number)
      .sort((a, b) => b.first - a.first);
    if (segment === undefined) return false;
    const fd = openIfThere(segment.path);
    if (fd === null) return false;
    this.place = { fd, at: 0 };
    for (let before = segment.first; before < number; before++) if (this.here(before) === null) return false;
    return true;
  }

  /** The files that begin with a whole record, and its number. */
  private firsts(): { path: string; first: number }[] {
    return listSegments(this.folder).flatMap((path) => {
      const fd = openIfThere(path);
      if (fd === null) return [];
      try {
        const first = this.recordAt({ fd, at: 0 }, null);
        return first === null ? [] : [{ path, first: first.number }];
      } finally {
        closeSync(fd);
      }
    });
  }

  /** The record at a place, whatever its number where that is null. */
  private recordAt({ fd, at }: Place, number: number | null): Spooled | null {
    const header = this.bytesAt(fd, at, 0, HEADER_BYTES);
    const length = header === null ? null : bodyBytes(header, number);
    const body = length === null ? null : this.bytesAt(fd, at + HEADER_BYTES, HEADER_BYTES, length);
    // The buffer may be another one now.
    return body === null ? null : spooledOf(this.buffer.subarray(0, HEADER_BYTES), body, this.ledger);
  }

  /** Reads into the buffer from `to` on; null where the file ends before. */
  private bytesAt(fd: number, at: number, to: number, length: number): Buffer | null {
    if (length > MAX_SPOOLED_BYTES) return null;
    if (to + length > this.buffer.length) this.buffer = Buffer.concat([this.buffer], to + length);
    return length === 0 || readSync(fd, this.buffer, to, length, at) === length
      ? this.buffer.subarray(to, to + length)
      : null;
  }
}

function told<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new KubeblameError(
      'ledger-unwritable',
      `the spool cannot be read: ${messageOf(cause)}`,
      'check the disk: permissions, and its health',
      { cause },
    );
  }
}

/** null for a file that was removed since it was listed: all in it was taken. */
function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
