import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { percentile } from './load.ts';

export interface DiskFloor {
  /** Of each write. */
  bytes: number;
  p50Ms: number;
  p99Ms: number;
}

const WRITES = 1_000;

/**
 * What a write and its fsync cost on the disk of a file, with nothing else around them: no durable answer comes sooner. Over
 * bytes that are there already, as SQLite writes its log again and again.
 */
export function measureDisk(path: string, bytes: number): DiskFloor {
  const file = openSync(path, 'w');
  try {
    const block = Buffer.alloc(bytes, 1);
    for (let n = 0; n < WRITES; n++) writeSync(file, block);
    fsyncSync(file);
    const times = new Float64Array(WRITES);
    for (let n = 0; n < WRITES; n++) {
      const started = performance.now();
      writeSync(file, block, 0, bytes, n * bytes);
      fsyncSync(file);
      times[n] = performance.now() - started;
    }
    times.sort();
    return { bytes, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
  } finally {
    closeSync(file);
  }
}
