import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import type { ServerConfig } from '../config/config.ts';
import { ApiStatusError, type KubeApiClient } from '../../platform/kubernetes/api-client.ts';
import type { Answering, Election, ElectionTiming } from './lease/election.ts';
import { Lease } from './lease/lease.ts';
import { KeptLabel } from './lease/kept-label.ts';
import { PodLabel } from './lease/pod-label.ts';
import { Signals } from './signals.ts';
import { SPARE_SLEEP_MS, spareReason } from './spare.ts';
import { WaitingRoom } from './waiting-room.ts';

/** How often files are looked at that tell what another process does. */
const LOOK_MS = 50;

export interface TurnContext {
  client: KubeApiClient | null;
  log: Logger;
  now: () => number;
  /** Ends the waiting. */
  signal: AbortSignal;
}

/**
 * Which of several servers answers reviews, and when the next one does (docs/decisions/0039). The Lease decides who answers;
 * the lock of the ledger's file decides who writes (signals.ts).
 */
export class Turn {
  /** Resolves with who has taken the Lease, where that was ours: then this server should stop. */
  readonly replaced: Promise<string>;
  /** Another process still has the ledger: reviews can be answered, and the ledger opened when it is free. */
  isBeside = false;
  private tellReplaced: (holder: string) => void = () => undefined;
  private lease: Lease | null;
  private readonly label: KeptLabel | null;
  /** The pod that had the Lease before us. */
  private before: PodLabel | null = null;
  private readonly signals: Signals;
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private readonly stop = new AbortController();
  private renewedAt = 0;
  /** What is wrong with the Lease, or which holder the log has named; '' for nothing. */
  private complaint = '';
  private isActive = false;
  private isOver = false;

  private constructor(
    db: string,
    private readonly election: Election | null,
    private readonly context: TurnContext,
  ) {
    this.replaced = new Promise((resolve) => (this.tellReplaced = resolve));
    const { client, now, log } = context;
    this.signals = new Signals(db, log);
    const elapsed = (): number => performance.now();
    this.lease = election === null || client === null ? null : new Lease({ ...election, client, now, elapsed });
    const label = election === null ? null : this.labelOf(election.identity);
    this.label = label === null ? null : new KeptLabel(label, log);
  }

  /**
   * Resolves when it is this server's turn to answer reviews: at once where there is no Lease. Until then it answers probes where
   * reviews will be. Rejects with config-invalid where it cannot listen, and when the signal ends it.
   */
  static async wait({ db, election, listen }: ServerConfig, context: TurnContext): Promise<Turn> {
    const turn = new Turn(db, election, context);
    let room: WaitingRoom | null = null;
    try {
      const spare = spareReason(election);
      if (spare !== null) {
        room = await WaitingRoom.open(listen);
        room.spare = spare;
        context.log.warn({ reason: spare }, 'this pod never takes a turn');
        // It gives no sign of a standby: nobody may wait for it.
        for (;;) await sleep(SPARE_SLEEP_MS, undefined, { signal: context.signal });
      }
      while (!(await turn.ask((holder) => room !== null && (room.holder = holder)))) {
        room ??= await WaitingRoom.open(listen);
        turn.signals.give('standby');
        room.problem = await turn.unlabel();
        await sleep(election?.timing.retryMs ?? 0, undefined, { signal: context.signal });
      }
    } catch (error) {
      turn.signals.end('standby');
      throw error;
    } finally {
      await room?.close();
    }
    turn.begin();
    return turn;
  }

  /** A line of /readyz, as health.ts has them; null where there is no Lease. */
  get state(): string | null {
    if (this.lease === null) return null;
    const labelComplaint = this.label?.complaint ?? '';
    if (this.label !== null && this.isActive && !this.label.wasSet) return `[-]lease: ${labelComplaint}`;
    const complaint = this.complaint || labelComplaint;
    if (complaint !== '') return `[!]lease: ${complaint}`;
    return '[+]lease held';
  }

  /** Whether this server is the one that records, as far as it knows. */
  get holds(): boolean {
    return !this.isOver;
  }

  /** Reviews are answered from now on: the Service may send them. Resolves when that was tried once. */
  async answers(): Promise<void> {
    this.isActive = true;
    await this.label?.keep(this.stop.signal);
    // It may hang, and would be sent half of the reviews as long as its probes have not failed.
    await this.before?.remove(this.context.signal).catch(() => undefined);
    if (this.isBeside) this.signals.give('next');
    this.signals.end('standby');
  }

  /** Opens the ledger, as soon as the other process has closed it. Rejects as `open` does. */
  async whenFree<T>(open: () => Promise<T>): Promise<T> {
    for (let told = false; ; told = true) {
      try {
        const opened = await open();
        this.signals.end('next');
        return opened;
      } catch (error) {
        if (this.lease === null || !(error instanceof KubeblameError) || error.code !== 'ledger-locked') throw error;
        if (!told) this.context.log.info('waiting for the ledger: another server has it, and will close it');
        await sleep(LOOK_MS, undefined, { signal: this.context.signal });
      }
    }
  }

  /**
   * Where somebody stands by: lets it answer, sends clients there, and resolves when no more reviews come here, or after a while.
   * Everything must go on until then.
   */
  async handOver({ reviews, stopWatching, sendAway }: Answering): Promise<void> {
    await this.end();
    const { election, lease } = this;
    const { log } = this.context;
    if (election === null || lease === null || !(this.signals.isGiven('standby') || this.signals.isGiven('next')))
      return;
    await stopWatching();
    await this.release();
    log.info('handing over to the standby');
    const end = performance.now() + election.timing.handOverMs;
    while (!this.signals.isGiven('next') && this.signals.isGiven('standby') && performance.now() < end)
      await sleep(LOOK_MS);
    if (!this.signals.isGiven('next')) {
      log.warn('the standby does not answer: stopping all the same');
      return;
    }
    await this.unlabel();
    sendAway();
    await quiet(reviews, election.timing);
    log.info('the standby answers');
  }

  /** Gives everything back. Safe to call again. */
  async close(): Promise<void> {
    await this.end();
    await this.release();
    this.stop.abort();
    this.signals.end('standby');
    this.signals.end('next');
  }

  /** Ends the renewing: what is under way would take the Lease again, or set the label. */
  private async end(): Promise<void> {
    this.isOver = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** One try to get the Lease; true where it is ours, or there is none to be had. */
  private async ask(tell: (holder: string) => void): Promise<boolean> {
    const { election, lease } = this;
    const { log, signal } = this.context;
    if (election === null || lease === null) return true;
    signal.throwIfAborted();
    try {
      const holder = await lease.takeOrKeep(signal);
      if (holder === election.identity) return true;
      tell(holder);
      if (holder !== '') this.before = this.labelOf(holder);
      if (holder !== '' && this.complaint !== holder)
        log.info({ holder }, 'standing by: another server holds the lease');
      this.complaint = holder;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiStatusError && [403, 404].includes(error.status)) {
        const reason = messageOf(error);
        log.warn({ reason }, 'there is no Lease to be had: only one server at a time may be started');
        this.lease = null;
        return true;
      }
      if (this.complaint !== 'api') log.warn({ reason: messageOf(error) }, 'waiting for the API server, for the Lease');
      this.complaint = 'api';
    }
    return false;
  }

  private begin(): void {
    this.complaint = '';
    if (this.lease === null) return;
    this.isBeside = this.signals.isLedgerOpen;
    this.renewedAt = performance.now();
    this.keepOn();
  }

  private keepOn(): void {
    if (this.isOver || this.election === null) return;
    this.timer = setTimeout(() => {
      this.round = this.renew().then(() => this.keepOn());
    }, this.election.timing.retryMs);
  }

  /** Never rejects: the next one tries again. Where the API server is not reached, recording goes on. */
  private async renew(): Promise<void> {
    const { election, lease } = this;
    if (election === null || lease === null) return;
    try {
      const holder = await lease.takeOrKeep(this.stop.signal);
      if (this.isOver) return;
      if (holder !== election.identity && holder !== '') this.lose(holder);
      this.renewedAt = performance.now();
      this.complain('');
      if (this.isActive && !this.isOver && this.label?.isDue === true) await this.label.keep(this.stop.signal);
    } catch (error) {
      this.complain(`not renewed: ${messageOf(error)}`);
      // Whoever waits for the ledger has taken the Lease meanwhile, which we cannot see.
      const isLate = performance.now() - this.renewedAt > election.timing.durationMs;
      if (isLate && this.signals.isGivenByAnother('next')) this.lose('another server of this machine');
    }
  }

  private lose(holder: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.context.log.warn({ holder }, 'another server holds the lease');
    this.tellReplaced(holder);
  }

  /** Once, not every two seconds. */
  private complain(what: string): void {
    if (what !== '' && what !== this.complaint) this.context.log.warn({ reason: what }, 'lease');
    this.complaint = what;
  }

  private labelOf(pod: string): PodLabel | null {
    const { election, context } = this;
    if (election?.isPod !== true || context.client === null) return null;
    return new PodLabel(context.client, election.namespace, pod);
  }

  /** Returns what went wrong; '' for nothing. */
  private async unlabel(): Promise<string> {
    this.isActive = false;
    return (await this.label?.remove(this.stop.signal)) ?? '';
  }

  private async release(): Promise<void> {
    const { lease } = this;
    this.lease = null;
    // It ends by itself where that fails.
    await lease?.release(this.stop.signal).catch(() => undefined);
  }
}

/**
 * Resolves when nothing has come for some time, or after a while. Time in which this process was held up does not count: something may
 * have come meanwhile.
 */
async function quiet(reviews: () => number, { quietMs, quietWithinMs }: ElectionTiming): Promise<void> {
  let [last, quietForMs] = [reviews(), 0];
  for (let ms = 0; ms < quietWithinMs && quietForMs < quietMs; ms += LOOK_MS) {
    await sleep(LOOK_MS);
    const now = reviews();
    [last, quietForMs] = [now, now === last ? quietForMs + LOOK_MS : 0];
  }
}
