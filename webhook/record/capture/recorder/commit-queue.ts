import { KubeblameError } from '../../../../shared/errors.ts';

export interface CommitQueueOptions {
  /** Makes durable what the jobs since the last call have left; all or nothing. Never called before the last call is settled. */
  commit: () => Promise<void>;
  /** Undoes, in memory, what the jobs since the last commit that succeeded have left. */
  rollback: () => void;
  /** How many jobs share one commit at most. */
  maxBatch: number;
}

interface Job {
  /** Run when all before it is durable, and committed with nothing beside it. */
  alone: boolean;
  work: () => Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

/** A job that was run. Not what it worked on: that is garbage by then, and would be in memory until the commit. */
interface Done {
  /** How it ended, told once that is durable. */
  settle: () => void;
  reject: (error: unknown) => void;
}

/**
 * Runs jobs one after another, in order, and commits them in groups: those that were run while a commit was on its way to
 * the disk share the next one. A job's promise is settled after its commit, never before. The pattern is tessera's
 * (storage/internal/queue.go).
 */
export class CommitQueue {
  private waiting: Job[] = [];
  /** Run, and in no commit yet. */
  private done: Done[] = [];
  private running = false;
  private committing = false;
  /** What was run last shares its commit with nothing else. */
  private sealed = false;
  /** Of a commit, until what was built on it is undone. */
  private failure: { error: unknown } | null = null;
  private closed = false;
  private whenIdle: (() => void)[] = [];

  constructor(private readonly options: CommitQueueOptions) {}

  /** Jobs that are in no commit yet. */
  get depth(): number {
    return this.waiting.length + this.done.length;
  }

  /** Rejects with `closing` where the job was not taken; otherwise as the job or its commit does. */
  add<T>(work: () => Promise<T>, alone = false): Promise<T> {
    if (this.closed) return Promise.reject(new KubeblameError('closing', 'the server is shutting down'));
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ alone, work, resolve, reject });
      this.start();
    });
  }

  /** Takes no more jobs; resolves when all that were taken are settled. */
  async close(): Promise<void> {
    this.closed = true;
    if (!this.isIdle()) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  private isIdle(): boolean {
    return this.depth === 0 && !this.running && !this.committing;
  }

  private start(): void {
    if (this.running) return;
    this.running = true;
    void this.run();
  }

  private async run(): Promise<void> {
    // Whoever adds several adds all of them first.
    await Promise.resolve();
    for (let job = this.next(); job !== undefined; job = this.next()) {
      this.sealed = job.alone;
      this.done.push(await runJob(job));
    }
    this.running = false;
    this.commitSoon();
    if (this.isIdle()) for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  /** The job whose turn it is, if its time has come. */
  private next(): Job | undefined {
    if (this.failure !== null) this.undo(this.failure.error);
    if (this.sealed || this.done.length >= this.options.maxBatch) return undefined;
    const busy = this.committing || this.done.length > 0;
    return this.waiting[0]?.alone === true && busy ? undefined : this.waiting.shift();
  }

  private commitSoon(): void {
    if (this.committing || this.done.length === 0) return;
    this.committing = true;
    // Whatever else has arrived in this turn of the event loop shares the commit.
    setImmediate(() => void this.commit());
  }

  private async commit(): Promise<void> {
    const batch = this.done;
    this.done = [];
    this.sealed = false;
    // Before anything else is run: it takes what the batch has left.
    const committed = this.options.commit();
    this.start();
    try {
      await committed;
      for (const { settle } of batch) settle();
    } catch (error) {
      this.failure = { error };
      for (const { reject } of batch) reject(error);
    }
    this.committing = false;
    this.start();
  }

  /** Rejects what was run since on top of a commit that failed. */
  private undo(error: unknown): void {
    this.failure = null;
    this.options.rollback();
    for (const { reject } of this.done) reject(error);
    this.done = [];
    this.sealed = false;
  }
}

async function runJob({ work, resolve, reject }: Job): Promise<Done> {
  try {
    const value = await work();
    return { reject, settle: () => resolve(value as never) };
  } catch (error) {
    return { reject, settle: () => reject(error) };
  }
}
