import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createDurably, syncFolderOf } from '../../../platform/files/durable-file.ts';
import { readHeader } from './header.ts';

/*
 * Whether a ledger is as its last writer closed it. A mark beside it says what the file was then; the next writer takes the
 * mark away, durably, before it writes anything. So after a crash there is none, and one that was copied with an older
 * or an altered file does not fit it.
 */

function markOf(path: string): string {
  return `${path}.closed`;
}

/** What tells a file from itself at another time: its size, when it was written last, and SQLite's header. */
function stateOf(path: string): string {
  const { size, mtimeNs } = statSync(path, { bigint: true });
  return JSON.stringify({ size: String(size), mtimeNs: String(mtimeNs), header: readHeader(path).toString('hex') });
}

function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Takes the mark away, and tells whether it was there and fits the file. Throws what the file system throws. */
export function takeMark(path: string): boolean {
  const mark = markOf(path);
  if (!existsSync(mark)) return false;
  const fits = !hasLog(path) && readFileSync(mark, 'utf8') === stateOf(path);
  rmSync(mark);
  syncFolderOf(path);
  return fits;
}

/**
 * Leaves a mark for a ledger that was closed, and in which nothing is wrong as far as is known. Without one the next start checks
 * the file: so it is left out where anything stands against it, and nothing is thrown.
 */
export function leaveMark(path: string): void {
  try {
    // Somebody reads the ledger at this moment: then the last commits are still beside it.
    if (!hasLog(path)) createDurably(markOf(path), stateOf(path));
  } catch {
    // A disk that is full, or a folder that may not be written.
  }
}
