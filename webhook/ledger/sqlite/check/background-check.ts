import type { Worker } from 'node:worker_threads';
import { messageOf } from '../../../../shared/errors.ts';
import { startThread } from '../../../platform/threads/threads.ts';

/** What the thread found: null where every page could be read. */
export interface CheckReply {
  damage: string | null;
}

/** `unknown`: not looked at, or not to the end. */
export type Soundness = 'unknown' | 'sound' | 'damaged';

/**
 * Reads a ledger once from beginning to end, in a thread of its own and beside everything else: damage is found soon after a start
 * that did not follow a clean stop, and not in the middle of a question at 3 a.m.; and the start does not wait for it.
 */
export class BackgroundCheck {
  private worker: Worker | null = null;
  private found: string | null = null;
  private state: Soundness;

  constructor(
    private readonly path: string,
    /** As the last writer has closed it: then nothing is read. */
    asClosed: boolean,
  ) {
    this.state = asClosed ? 'sound' : 'unknown';
  }

  get soundness(): Soundness {
    return this.state;
  }

  /** What is damaged; null where nothing is known to be. */
  get damage(): string | null {
    return this.found;
  }

  /** Damage that was met elsewhere, such as by a question. */
  meet(damage: string): void {
    this.found ??= damage;
    this.state = 'damaged';
  }

  /** Starts to read, unless nothing needs to be. Resolves when it is known what there is to find, or it was closed before. */
  run(): Promise<void> {
    if (this.state !== 'unknown') return Promise.resolve();
    const worker = startThread(import.meta.url, './check-thread.ts', 'ledger-check.js', {
      workerData: { path: this.path },
    });
    this.worker = worker;
    return new Promise((resolve) => {
      worker.once('message', ({ damage }: CheckReply) => {
        if (damage !== null) this.meet(damage);
        else if (this.state === 'unknown') this.state = 'sound';
      });
      // The file cannot be told to be sound by a check that failed.
      worker.once('error', (error) => (this.found = `the check of the ledger failed: ${messageOf(error)}`));
      worker.once('exit', () => resolve());
    });
  }

  /** Ends it, also where it is not done. */
  async close(): Promise<void> {
    await this.worker?.terminate();
  }
}
