import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a file that only its owner can read, and returns when it survives a power failure: its bytes and its name in
 * the folder are on the disk. Throws EEXIST where the file exists, and whatever else the file system throws.
 */
export function createDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolderOf(path);
}

/** Makes the names in a file's folder durable (fsync(2): a file's own sync does not cover its directory entry). */
export function syncFolderOf(path: string): void {
  sync(dirname(path));
}

/** Makes the bytes of a file durable, or the names in a folder. Throws what the file system throws. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
