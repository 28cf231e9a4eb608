import type { Worker } from 'node:worker_threads';
import { KubeblameError } from '../../../../shared/errors.ts';
import { errorOf, startThread, type Failure } from '../../../platform/threads/threads.ts';
import type { EventRetention, EventsTaken, ShownEvent } from '../../port/events.ts';
import type { NewEntries } from '../../port/port.ts';
import { encodeEntries } from './append.ts';
import type { FoldRequest, FoldResult } from '../../retention/retention.ts';
import type { Writer } from './writer.ts';

/*
 * Appends in a thread of its own (writer-thread.ts): what costs most of a change, compressing, indexing and waiting for
 * the disk, then holds up neither TLS nor the next reviews. docs/decisions/0015.
 */

/** An append is the JSON text of EncodedEntries: copying a text costs a third of cloning what it says. */
export type WriterRequest =
  | { append: string }
  | { fold: FoldRequest }
  | { shorten: readonly number[]; now: number }
  /** The JSON text of ShownEvent[], too. */
  | { events: string; retention: EventRetention }
  | 'check'
  | 'close';

/** What a request came to: of a fold its result, of a shortening how many, of Events what became of them, of the others nothing. */
type Result = FoldResult | EventsTaken | number | null;

/** With a result: done, and durable. */
export type WriterReply = { result: Result } | Failure;

/** It keeps little: without these it lets some ten megabytes of garbage lie. A batch is at most 64 MiB of text. */
const LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 512 };

interface Waiting {
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

export class ThreadWriter implements Writer {
  private readonly worker: Worker;
  /** In the order of their requests, which is the order of the replies. */
  private readonly waiting: Waiting[] = [];
  private readonly ended: Promise<void>;
  private failure: Error | null = null;
  private closing = false;

  /**
   * For a ledger that exists in the present format, and that this process has locked. `died`: told once where the thread
   * ends by itself; nothing is written from then on.
   */
  constructor(
    path: string,
    private readonly died: (error: Error) => void = () => undefined,
  ) {
    const options = { workerData: { path }, resourceLimits: LIMITS };
    this.worker = startThread(import.meta.url, './writer-thread.ts', 'ledger-writer.js', options);
    this.worker.on('message', (reply: WriterReply) => {
      const first = this.waiting.shift();
      if ('result' in reply) first?.resolve(reply.result);
      else first?.reject(errorOf(reply));
    });
    this.worker.on('error', (error) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', () => {
        this.fail(null);
        resolve();
      });
    });
  }

  async append(entries: NewEntries): Promise<void> {
    await this.ask({ append: JSON.stringify(encodeEntries(entries)) });
  }

  fold(request: FoldRequest): Promise<FoldResult | null> {
    return this.ask({ fold: request }) as Promise<FoldResult | null>;
  }

  shorten(attempts: readonly number[], now: number): Promise<number> {
    return this.ask({ shorten: attempts, now }) as Promise<number>;
  }

  takeEvents(events: readonly ShownEvent[], retention: EventRetention): Promise<EventsTaken> {
    return this.ask({ events: JSON.stringify(events), retention }) as Promise<EventsTaken>;
  }

  async checkWritable(): Promise<void> {
    await this.ask('check');
  }

  async close(): Promise<void> {
    this.closing = true;
    if (this.failure === null) await this.ask('close');
    await this.ended;
  }

  private ask(request: WriterRequest): Promise<Result> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(request);
    });
  }

  /** The thread is gone: nothing that waits, or comes, will be written. */
  private fail(cause: Error | null): void {
    const isFirst = this.failure === null;
    this.failure ??= new KubeblameError(
      'ledger-unwritable',
      `the thread that writes the ledger has ended${cause === null ? '' : `: ${cause.message}`}`,
      'start the server again',
      cause === null ? undefined : { cause },
    );
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
    if (isFirst && !this.closing) this.died(this.failure);
  }
}
