import { KubeblameError } from '../../shared/errors.ts';

export interface CommitQueueOptions {
  /** Makes durable what the jobs since the last call have left; all or nothing. */
  commit: () => Promise<void>;
  /** Undoes, in memory, what the jobs since the last commit have left. */
  rollback: () => void;
  /** How many jobs share one commit at most. */
  maxBatch: number;
  /** How many jobs, and how many bytes of input, may wait; more is refused with `overloaded`. */
  maxWaiting: number;
  maxWaitingBytes: number;
}

interface Job {
  bytes: number;
  work: () => Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/**
 * Runs jobs one after another, in order, and commits them in groups: what arrives while a commit is on its way to the
 * disk shares the next one. A job's promise is settled after its commit, never before. The pattern is tessera's
 * (storage/internal/queue.go).
 */
export class CommitQueue {
  private waiting: Job[] = [];
  private waitingBytes = 0;
  private running: Promise<void> | null = null;
  private closed = false;

  constructor(private readonly options: CommitQueueOptions) {}

  /** Jobs that have not been started. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Rejects with `overloaded` or `closing` where the job was not taken; otherwise as the job or its commit does. */
  add<T>(work: () => Promise<T>, bytes: number): Promise<T> {
    if (this.closed) return Promise.reject(new KubeblameError('closing', 'the server is shutting down'));
    const { maxWaiting, maxWaitingBytes } = this.options;
    if (this.waiting.length >= maxWaiting || this.waitingBytes + bytes > maxWaitingBytes) {
      const message = `${this.waiting.length} reviews (${this.waitingBytes} bytes) wait to be stored`;
      return Promise.reject(new KubeblameError('overloaded', message));
    }
    this.waitingBytes += bytes;
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ bytes, work, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Takes no more jobs; resolves when all that were taken are settled. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private async run(): Promise<void> {
    // Whatever else has arrived in this turn of the event loop shares the commit.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.options.maxBatch);
      await this.runBatch(batch);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.running = null;
  }

  private async runBatch(batch: readonly Job[]): Promise<void> {
    const settle: (() => void)[] = [];
    for (const job of batch) {
      this.waitingBytes -= job.bytes;
      try {
        const value = await job.work();
        settle.push(() => job.resolve(value as never));
      } catch (error) {
        settle.push(() => job.reject(error));
      }
    }
    try {
      await this.options.commit();
    } catch (error) {
      this.options.rollback();
      for (const job of batch) job.reject(error);
      return;
    }
    for (const done of settle) done();
  }
}
