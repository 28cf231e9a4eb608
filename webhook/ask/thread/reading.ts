import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { KubeblameError } from '../../../shared/errors.ts';
import {
  QuestionReader,
  type AnswerOf,
  type LedgerReader,
  type QueryOf,
  type QuestionName,
} from '../../../shared/questions/table.ts';
import type { Caller } from '../access/identity/caller.ts';
import type { Rights } from '../access/rights/access-reviews.ts';
import { errorOf, failureOf, startThread } from '../../platform/threads/threads.ts';
import type { CommitBatch } from '../stream/documents.ts';
import type { Streamed } from '../stream/open.ts';
import type { ReadingData, ReadingReport, ReadingRequest } from './messages.ts';

/** What a question reads is soon let go: without this some ten megabytes of garbage lie. */
const LIMITS = { maxYoungGenerationSizeMb: 8 };

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * Answers questions in a thread of its own (reading-thread.ts). In the recorder's thread a search through 200,000 changes held up
 * the recording by four seconds.
 */
export class Reading {
  private readonly worker: Worker;
  private readonly ended: Promise<unknown>;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;
  private failure: Error | null = null;
  private closing = false;

  /**
   * `rights`: null where whoever asks may read everything. `died`: told once where the thread ends by itself. `noted`: what is for the log.
   */
  constructor(
    data: ReadingData,
    private readonly rights: Rights | null,
    private readonly died: (error: Error) => void,
    private readonly noted: (text: string) => void = () => undefined,
  ) {
    const options = { workerData: data, resourceLimits: LIMITS };
    this.worker = startThread(import.meta.url, './reading-thread.ts', 'ledger-reading.js', options);
    this.worker.on('message', (report: ReadingReport) => this.take(report));
    this.worker.on('error', (error) => this.fail(error));
    this.ended = once(this.worker, 'exit').catch(() => undefined);
    void this.ended.then(() => {
      this.fail(new KubeblameError('closing', 'the thread that answers questions has ended'));
    });
  }

  /** The ledger as a caller may read it. */
  readerOf(caller: Caller): LedgerReader {
    return new QuestionReader(<Name extends QuestionName>(question: Name, query: QueryOf<Name>) => {
      const answer = this.request((id) => ({ do: 'ask', id, caller, question, query, as: 'value' }));
      return answer as Promise<AnswerOf<Name>>;
    });
  }

  /** What a caller is answered, as JSON in UTF-8. */
  async json<Name extends QuestionName>(caller: Caller, question: Name, query: QueryOf<Name>): Promise<Buffer> {
    const json = await this.request((id) => ({ do: 'ask', id, caller, question, query, as: 'json' }));
    return Buffer.from((json as Uint8Array<ArrayBuffer>).buffer);
  }

  /** What is to be sent after a number, as it leaves the machine: batchOf (stream/open.ts). */
  batch(what: Streamed, after: number, maxBytes: number): Promise<CommitBatch> {
    return this.request((id) => ({ do: 'batch', id, what, after, maxBytes })) as Promise<CommitBatch>;
  }

  /** Answers at once what waits for a change. Call before the listener waits for answers that are under way. */
  hurry(): void {
    this.tell({ do: 'hurry' });
  }

  /** Resolves when all is answered, and the thread has ended. */
  async close(): Promise<void> {
    this.closing = true;
    this.tell({ do: 'close' });
    await this.ended;
  }

  /** Tells the thread, and resolves with what it answers under the id. */
  private request(message: (id: number) => ReadingRequest): Promise<unknown> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.tell(message(id));
    });
  }

  private tell(message: ReadingRequest): void {
    this.worker.postMessage(message);
  }

  private take(report: ReadingReport): void {
    if (report.is === 'note') return this.noted(report.text);
    if (report.is === 'may?') {
      void this.mayOf(report).then((answer) => this.tell({ do: 'tell', id: report.id, ...answer }));
      return;
    }
    const asked = this.waiting.get(report.id);
    this.waiting.delete(report.id);
    if (report.is === 'answer') asked?.resolve(report.value);
    else asked?.reject(errorOf(report.failure));
  }

  private async mayOf({
    user,
    attributes,
  }: Extract<ReadingReport, { is: 'may?' }>): Promise<{ may: boolean } | { failure: ReturnType<typeof failureOf> }> {
    try {
      if (this.rights === null) throw new Error('a user was told, and no cluster that knows what they may read');
      return { may: await this.rights.may(user, attributes) };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  private fail(error: Error): void {
    if (this.failure !== null) return;
    this.failure = error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    if (!this.closing) this.died(error);
  }
}
