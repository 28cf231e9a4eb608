import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { segmentsIn } from './segments.ts';

/*
 * A server that takes over answers reviews before the other one has closed the ledger, so that for some seconds two
 * processes add to the spool. They must not give the same number twice, and the second cannot know which one the first will
 * give last. So it begins an epoch: numbers above all that the first can give, in a folder of its own.
 */

/** So many numbers has an epoch: more than a process gives in its life. 2^53 of them can be told apart. */
const EPOCH = 2 ** 32;

export interface Epoch {
  folder: string;
  /** Its first number. */
  first: number;
}

/** Begins the next epoch after the one of a number, in the spool's folder. No other process gets the same one. Throws what the file system throws. */
export function beginEpoch(spool: string, after: number): Epoch {
  mkdirSync(spool, { recursive: true, mode: 0o700 });
  for (let epoch = Math.floor(after / EPOCH) + 1; ; epoch++) {
    const folder = join(spool, String(epoch));
    try {
      mkdirSync(folder, { mode: 0o700 });
      return { folder, first: epoch * EPOCH + 1 };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** True for the first number of an epoch: between the last one before it and this one nothing is missing. */
export function isFirstOfEpoch(number: number): boolean {
  return number > EPOCH && number % EPOCH === 1;
}

/** How many reviews lie between two numbers, as far as that is known: of an earlier epoch it is not known where it ended. */
export function reviewsBetween(after: number, through: number): number {
  return Math.floor(after / EPOCH) === Math.floor(through / EPOCH) ? through - after : through % EPOCH;
}

/**
 * Removes what earlier epochs left, and the ledger has. `next`: the number of the next review; `left`: files that the ledger
 * does not have yet. Where it fails, it only takes room.
 */
export function removeOldEpochs(spool: string, next: number, left: readonly { path: string }[]): void {
  const kept = new Set(left.map(({ path }) => path));
  const present = Math.floor(next / EPOCH);
  try {
    for (const epoch of epochsIn(spool).filter((number) => number < present)) {
      const folder = join(spool, String(epoch));
      if (!segmentsIn(folder).some((path) => kept.has(path))) rmSync(folder, { recursive: true, force: true });
    }
  } catch {
    // A disk that fails is told of by whoever writes to it.
  }
}

/** The epochs that have a folder, the oldest first. */
export function epochsIn(spool: string): number[] {
  if (!existsSync(spool)) return [];
  return readdirSync(spool)
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
