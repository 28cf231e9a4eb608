import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { bodyBytes, HEADER_BYTES, isEnd, MAX_SPOOLED_BYTES, numberAt, spooledOf, type Spooled } from './records.ts';
import { epochsIn } from './epochs.ts';
import { segmentsIn } from './segments.ts';

/** A place in one of the spool's files. */
interface Place {
  fd: number;
  at: number;
}

/** One of the spool's files, and its first whole record. */
interface SpoolFile {
  path: string;
  first: number;
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

  /**
   * Of a number that cannot be read: the lowest one after it that can; null where there is none. What lies between is
   * damaged.
   */
  firstAfter(number: number): number | null {
    const after = told(() => {
      const firsts = this.files().map(({ first }) => first);
      const behind = this.moveTo(number) ? this.skipDamage(number) : null;
      return [...firsts, ...(behind === null ? [] : [behind])].filter((first) => first > number);
    });
    return after.length === 0 ? null : Math.min(...after);
  }

  /**
   * The last review that came, from a number on; the one before that where none did. The last may be one that cannot be
   * read any more: it was cut off before its answer, or is damaged, and did come in either case.
   */
  last(from: number): number {
    for (let number = from; ;) {
      if (this.read(number) !== null) number++;
      else {
        const next = this.firstAfter(number);
        if (next === null) return this.isBegun(number) ? number : number - 1;
        number = next;
      }
    }
  }

  /** The files that have reviews after a number, with the last one of each. */
  filesAfter(number: number): { path: string; last: number }[] {
    const files = told(() => this.files().map((file) => ({ path: file.path, last: this.lastIn(file) })));
    this.close();
    return files.filter(({ last }) => last > number);
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
    const [file] = this.files()
      .filter(({ first }) => first <= number)
      .sort((a, b) => b.first - a.first);
    return file !== undefined && this.through(file, number) === number;
  }

  /**
   * Goes through a file from its first record on, to where a number should stand, or to the end of what it has. Returns
   * the number that should stand there.
   */
  private through({ path, first, at }: SpoolFile, number: number): number {
    this.close();
    const fd = openIfThere(path);
    if (fd === null) return NaN;
    this.place = { fd, at };
    let next = first;
    while (next < number) {
      if (this.here(next) !== null) next++;
      else {
        const whole = this.skipDamage(next);
        if (whole === null || whole > number) return next;
        next = whole;
      }
    }
    return next;
  }

  private lastIn(file: SpoolFile): number {
    const next = this.through(file, Infinity);
    return this.beginsHere(next) ? next : next - 1;
  }

  /**
   * Where a number cannot be read: goes on to the next whole record of a later one in the file, and returns its number.
   * null where there is none, as where the file was ended in order.
   */
  private skipDamage(number: number): number | null {
    if (this.place === null) return null;
    const found = this.wholeAfter(this.place, number);
    if (found === null) return null;
    this.place = { fd: this.place.fd, at: found.at };
    return found.first;
  }

  /** The first whole record of a number above `number` that begins behind a place; null also where nothing was written there. */
  private wholeAfter({ fd, at }: Place, number: number): Pick<SpoolFile, 'first' | 'at'> | null {
    const rest = restOf(fd, at);
    if (isEnd(rest)) return null;
    for (let offset = 1; offset + HEADER_BYTES <= rest.length; offset++) {
      const found = numberAt(rest, offset);
      if (found <= number || !Number.isSafeInteger(found)) continue;
      if (this.recordAt({ fd, at: at + offset }, found) !== null) return { first: found, at: at + offset };
    }
    return null;
  }

  /** True where the record of a number was begun, and is not whole: it was cut off before its answer, or is damaged. */
  isBegun(number: number): boolean {
    return told(() => this.moveTo(number) && this.beginsHere(number));
  }

  private beginsHere(number: number): boolean {
    const { place } = this;
    if (place === null) return false;
    const header = this.bytesAt(place.fd, place.at, 0, HEADER_BYTES);
    const length = header === null ? null : bodyBytes(header, number);
    return length !== null && this.bytesAt(place.fd, place.at + HEADER_BYTES, HEADER_BYTES, length) !== null;
  }

  /** The files that have a whole record. */
  private files(): SpoolFile[] {
    const folders = [this.folder, ...epochsIn(this.folder).map((epoch) => join(this.folder, String(epoch)))];
    return folders.flatMap(segmentsIn).flatMap((path) => {
      const fd = openIfThere(path);
      if (fd === null) return [];
      try {
        const number = this.recordAt({ fd, at: 0 }, null)?.number;
        const whole = number === undefined ? this.wholeAfter({ fd, at: 0 }, 0) : { first: number, at: 0 };
        return whole === null ? [] : [{ path, ...whole }];
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

/** What a file has from a place on: at most as much as one file of the spool. */
function restOf(fd: number, at: number): Buffer {
  const rest = Buffer.alloc(Math.max(fstatSync(fd).size - at, 0));
  return rest.subarray(0, readSync(fd, rest, 0, rest.length, at));
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
