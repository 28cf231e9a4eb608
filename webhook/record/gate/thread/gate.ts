import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { KubeblameError } from '../../../../shared/errors.ts';
import type { Address } from '../../../platform/http/listener.ts';
import { errorOf, startThread, type Failure } from '../../../platform/threads/threads.ts';
import type { Trust } from '../endpoint/origins.ts';
import type { GateData, GateReport, GateRequest, Page, Credentials } from './gate-messages.ts';

/** What the gate tells, and asks. */
export interface GateListener {
  /** There is something in the spool, and nobody knew. */
  spooled(): void;
  /**
   * What became of reviews that were answered and are not in the spool, how long each answer took (s), how many values each
   * configured path has redacted, and from where reviews came that came from no API server's address.
   */
  answered(seconds: readonly number[], others: Omit<Extract<GateReport, { is: 'answered' }>, 'is' | 'seconds'>): void;
  lost(error: unknown, uid: string): void;
  refused(error: KubeblameError): void;
  /** `review`: it knew the proof, and came from elsewhere. */
  turnedAway(error: KubeblameError, from: string, review: boolean): void;
  /** Nobody answered for so long (ms), until then (ms). */
  stalled(ms: number, to: number): void;
  page(method: string, path: string): Promise<Page>;
}

/** So long it is known that the spool could not be written. */
const UNWRITABLE_MS = 10_000;

/** It keeps little: without this it lets some ten megabytes of garbage lie. */
const LIMITS = { maxYoungGenerationSizeMb: 4 };

/** The admission endpoint, in a thread of its own (gate-thread.ts). */
export class Gate {
  private readonly proving: (() => void)[] = [];
  private readonly ended: Promise<unknown>;
  /** What the last write to the spool failed with, when, and how far it was durable then, once that was asked. */
  private failure: { error: KubeblameError; at: number; through: number | null } | null = null;

  private constructor(
    private readonly worker: Worker,
    readonly address: Address,
    private readonly listener: GateListener,
  ) {
    this.ended = once(worker, 'exit');
    worker.on('message', (message: GateReport) => this.take(message));
    // Nobody would answer any more: a process that has ended is started again.
    worker.on('error', (error) => {
      throw error;
    });
  }

  /** Resolves when it listens; rejects with config-invalid. */
  static async open(data: GateData, listener: GateListener): Promise<Gate> {
    const options = { workerData: data, resourceLimits: LIMITS };
    const worker = startThread(import.meta.url, './gate-thread.ts', 'admission-gate.js', options);
    const [first] = (await once(worker, 'message')) as [GateReport];
    if (first.is === 'not listening') throw errorOf(first.failure);
    if (first.is !== 'listening') throw new Error(`the gate began with ${first.is}`);
    return new Gate(worker, first.address, listener);
  }

  /** Resolves when new connections are served, and callers known, by this; or there will be none. */
  async setCredentials(proof: Credentials): Promise<void> {
    this.tell({ do: 'set credentials', proof });
    await Promise.race([this.ended, new Promise<void>((resolve) => this.proving.push(resolve))]);
  }

  /** Takes reviews from there, from now on. */
  trust(trust: Trust): void {
    this.tell({ do: 'trust', trust });
  }

  /**
   * Throws what writing to the spool failed with, until something is durable beyond `through`, or for some seconds: nobody sends
   * reviews to a server that is not ready, so it cannot wait for one.
   */
  checkWritable(through: number): void {
    const { failure } = this;
    if (failure === null) return;
    failure.through ??= through;
    if (failure.through === through && performance.now() - failure.at < UNWRITABLE_MS) throw failure.error;
    this.failure = null;
  }

  /** All reviews of the spool up to a number are in the ledger for good. */
  taken(through: number): void {
    this.tell({ do: 'taken', through });
  }

  /** Others answer, too: lets each connection end with its next answer, so that clients go there. New ones are served all the same. */
  sendAway(): void {
    this.tell({ do: 'send away' });
  }

  /** Takes no new connections; resolves when all that came is answered. */
  async close(): Promise<void> {
    this.tell({ do: 'drain' });
    await this.ended;
  }

  private tell(message: GateRequest): void {
    this.worker.postMessage(message);
  }

  private take(message: GateReport): void {
    const { listener } = this;
    switch (message.is) {
      case 'spooled':
        listener.spooled();
        return;
      case 'answered':
        listener.answered(message.seconds, message);
        return;
      case 'lost': {
        const error = errorOf(message.failure);
        if (error instanceof KubeblameError && error.code === 'ledger-unwritable')
          this.failure = { error, at: performance.now(), through: null };
        listener.lost(error, message.uid);
        return;
      }
      case 'refused':
        listener.refused(knownOf(message.failure));
        return;
      case 'turned away':
        listener.turnedAway(knownOf(message.failure), message.from, message.review);
        return;
      case 'stalled':
        listener.stalled(message.ms, message.to);
        return;
      case 'asked': {
        const { id, method, path } = message;
        void listener.page(method, path).then((page) => this.tell({ do: 'answer', id, page }));
        return;
      }
      case 'credentials set':
        this.proving.shift()?.();
        return;
      case 'listening':
      case 'not listening':
        throw new Error('the gate began twice');
    }
  }
}

function knownOf(failure: Failure): KubeblameError {
  return errorOf(failure) as KubeblameError;
}
