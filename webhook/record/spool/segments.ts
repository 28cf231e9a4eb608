import { constants, existsSync, readdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeblameError } from '../../../shared/errors.ts';
import { allocateDurably, freeBytes } from '../../platform/files/durable-file.ts';

/*
 * The spool's files. Each is written over again once all that is in it is in the ledger: over bytes that are there already
 * a write needs no change of the file system's own records, which takes as long as the write itself.
 */

/**
 * Written at once, of a new file. By this ext4 divides what it keeps of the file in memory, and it writes such a piece as a
 * whole, however little of it changes: with pieces of a megabyte a review took half as long again.
 */
const CHUNK = Buffer.alloc(64 * 1024);

/** A new file is made where so much more is free: SQLite's log grows to 16 MiB before it is written over. */
const LEDGER_BYTES = 24 * 1024 * 1024;

const NAME = /^\d{4}\.spool$/;

/** Where the spool of a ledger is. */
export function spoolFolder(db: string): string {
  return `${db}-spool`;
}

/** The paths of the files in a folder; none where it was never used. */
export function segmentsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => NAME.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** The first path that none of `taken` has. */
export function newSegment(folder: string, taken: ReadonlySet<string>): string {
  for (let n = 1; ; n++) {
    const path = join(folder, `${String(n).padStart(4, '0')}.spool`);
    if (!taken.has(path)) return path;
  }
}

/** Opens a file of the spool. What is written to it is on the disk when the write ends: a sync of its own costs another turn. */
export function openSegment(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_DSYNC);
}

/** Makes a file of so many bytes, which are on the disk, and it with them, when this resolves. */
export async function createSegment(folder: string, path: string, bytes: number): Promise<void> {
  // What is left of a disk is the ledger's: with it, what lies in the spool already makes room.
  if ((await freeBytes(folder)) < bytes + LEDGER_BYTES) {
    throw new KubeblameError(
      'ledger-full',
      'the disk has no room for another file of the spool',
      'make room, or grow the volume',
    );
  }
  await allocateDurably(path, bytes, CHUNK);
}
