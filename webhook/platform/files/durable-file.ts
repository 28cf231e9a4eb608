import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
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

/** Whether a file system has refused a write because it, or the quota on it, is full. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^E(NOSPC|DQUOT)$/.test(String(error.code));
}

/** Bytes that are free on the file system of a folder, for whoever is not root. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/**
 * Makes a file of so many bytes, or makes one anew, and resolves when it is on the disk. It is filled with `chunk`, again and again.
 * Rejects with what the file system rejects with, ENOSPC where it is full; then the file is not there.
 */
export async function allocateDurably(path: string, bytes: number, chunk: Uint8Array): Promise<void> {
  const file = await open(path, 'w+', 0o600);
  try {
    for (let at = 0; at < bytes;) {
      at += (await file.write(chunk, 0, Math.min(chunk.length, bytes - at), at)).bytesWritten;
    }
    await file.sync();
    const parent = await open(dirname(path), 'r');
    // That it has a name is durable only when its folder is.
    await parent.sync().finally(() => parent.close());
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
