import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import type { CommitBatch } from './documents.ts';
import { TryLater, type Sink } from './targets.ts';

/** How often a stream that has sent everything looks for a commit. */
const LOOK_EVERY_MS = 500;
/** The first pause after a failure; it doubles with each, up to the longest, and is drawn at random below that. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** For one batch. */
const SEND_TIMEOUT_MS = 30_000;
/** At a stop, for what is left. */
const LAST_MS = 5_000;
/** About how much is sent at once. */
export const BATCH_BYTES = 1024 * 1024;

/** What the progress file holds. */
interface Progress {
  ledger: string;
  target: string;
  /** The last commit that the target has taken. */
  commit: number;
}

/** Resolves to the commits after one (documents.ts). */
export type ReadCommits = (after: number) => Promise<CommitBatch>;

export interface StreamOptions {
  /** Reads the commits after one in this thread: for what is left at the stop. */
  read: ReadCommits;
  sink: Sink;
  /** Where it is kept how far the target has been told: beside the ledger. Lost, all is sent again. */
  progressFile: string;
  /** The ledger's id, and what the target is called: of another ledger or target the progress does not count. */
  ledger: string;
  target: string;
  /** What is sent, for the log. */
  what?: 'commits' | 'changes' | 'Events';
  log: Logger;
  lookEveryMs?: number;
  firstPauseMs?: number;
}

/**
 * Sends each commit off the machine as it is made, in order, each at least once: a batch whose answer was lost is sent again, with
 * the same numbers. The ledger is its buffer: a target that is down for days slows nothing down. What is folded before
 * it was sent is told as missing.
 */
export class CommitStream {
  /** When the oldest commit was made that has been read and that the target has not taken (ms); null where there is none. */
  unsentSince: number | null = null;
  private through: number;
  private readonly stopping = new AbortController();
  /** Ends what is being sent while it stops: some seconds later, so that it need not be sent again. */
  private readonly givingUp = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private failing = false;

  constructor(private readonly options: StreamOptions) {
    this.through = readProgress(options);
  }

  get what(): 'commits' | 'changes' | 'Events' {
    return this.options.what ?? 'commits';
  }

  /** Begins to send. `read` may take its time, in another thread. */
  start(read: ReadCommits): void {
    this.running = this.run(read);
  }

  /** Resolves when nothing is being read or sent any more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const timer = setTimeout(() => this.givingUp.abort(), LAST_MS);
    await this.running;
    clearTimeout(timer);
  }

  /** Sends what is left, as far as the target takes it within seconds. Call after the last append. Never rejects. */
  async close(): Promise<void> {
    await this.stop();
    const deadline = AbortSignal.timeout(LAST_MS);
    try {
      while (!deadline.aborted && (await this.sendNext(this.options.read, deadline)));
    } catch (error) {
      this.options.log.warn(
        { reason: messageOf(error) },
        `${this.what} not sent at the stop: they are at the next start`,
      );
    }
    await this.options.sink.close();
  }

  private async run(read: ReadCommits): Promise<void> {
    const { lookEveryMs = LOOK_EVERY_MS, firstPauseMs = FIRST_PAUSE_MS, log } = this.options;
    let pause = firstPauseMs;
    while (!this.stopping.signal.aborted) {
      try {
        const timeout = AbortSignal.any([this.givingUp.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)]);
        const more = await this.sendNext(read, timeout);
        pause = firstPauseMs;
        if (!more) await this.wait(lookEveryMs);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        if (!this.failing)
          log.error({ reason: messageOf(error), target: this.options.target }, `${this.what} not sent`);
        this.failing = true;
        await this.wait(error instanceof TryLater ? error.afterMs : Math.random() * pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** Resolves to whether there may be more. */
  private async sendNext(read: ReadCommits, signal: AbortSignal): Promise<boolean> {
    const { documents, through } = await read(this.through);
    if (through === this.through) return false;
    const [oldest] = documents;
    if (oldest !== undefined) {
      this.unsentSince = oldest.at;
      await this.options.sink.send(documents, signal);
      this.unsentSince = null;
      this.keep(through);
      if (this.failing) this.options.log.info({ commit: through }, `${this.what} are sent again`);
      this.failing = false;
    }
    this.through = through;
    return true;
  }

  private keep(commit: number): void {
    const { progressFile, ledger, target } = this.options;
    // Not synced: what a crash takes back is sent twice, with the same numbers.
    writeFileSync(`${progressFile}.new`, JSON.stringify({ ledger, target, commit } satisfies Progress), {
      mode: 0o600,
    });
    renameSync(`${progressFile}.new`, progressFile);
  }

  private async wait(ms: number): Promise<void> {
    await sleep(Math.min(ms, LONGEST_PAUSE_MS), undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}

function readProgress({ progressFile, ledger, target, log }: StreamOptions): number {
  if (!existsSync(progressFile)) return 0;
  try {
    const kept = JSON.parse(readFileSync(progressFile, 'utf8')) as Partial<Progress> | null;
    if (!Number.isSafeInteger(kept?.commit)) throw new Error('it has no number of a commit');
    return kept?.ledger === ledger && kept.target === target ? (kept.commit ?? 0) : 0;
  } catch (error) {
    log.warn(
      { file: progressFile, reason: messageOf(error) },
      'not read how far commits were sent: all are sent again',
    );
    return 0;
  }
}
