import { closeSync, openSync, readSync } from 'node:fs';

const HEADER_BYTES = 100;

/**
 * The 100 bytes at the start of a SQLite file; zeros where the file is shorter. Throws what the file system throws.
 * Format: https://www.sqlite.org/fileformat.html, section 1.3.
 */
export function readHeader(path: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(file);
  }
  return header;
}
