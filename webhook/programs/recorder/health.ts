import { setTimeout as sleep } from 'node:timers/promises';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import type { Logger } from 'pino';
import type { Metrics } from './metrics/metrics.ts';

export interface HealthOptions {
  log: Logger;
  metrics: Metrics;
  /** Throws where the spool takes no reviews. */
  checkSpool: () => void;
  /** Rejects where the ledger takes nothing at present. */
  checkLedger: () => Promise<void>;
  /** The line about the Lease; null where there is none. */
  lease?: () => string | null;
  /** Whether the disk is full, and only the least is recorded. */
  isFull?: () => boolean;
  /** What of the ledger is damaged; null where nothing is known to be. */
  damage?: () => string | null;
}

/** How long readiness waits for the ledger's word: it may be busy for seconds, with a fold. */
const LEDGER_MS = 250;

/** Callers that were turned away are named in the log once in so long. */
const QUIET_MS = 60_000;

/** So many addresses are named, each once. */
const MAX_STRANGERS = 20;

/** Whether the server is ready, and what became of reviews that are not in the ledger: counted, and written to the log. */
export class Health {
  private readonly log: Logger;
  private readonly metrics: Metrics;
  private losses = 0;
  private stopping = false;
  private quietUntil = 0;
  private readonly strangers = new Set<string>();

  constructor(private readonly options: HealthOptions) {
    this.log = options.log;
    this.metrics = options.metrics;
  }

  lost(error: unknown, uid: string, count = 1): void {
    this.losses += count;
    this.metrics.count('lost', count);
    const code = error instanceof KubeblameError ? error.code : 'internal';
    // A message can hold a path, never a body. A bug's stack is what whoever is woken needs.
    const stack = error instanceof Error && code === 'internal' ? error.stack : undefined;
    this.log.error({ reviewUid: uid, code, reason: messageOf(error), stack }, 'review lost');
  }

  /** Nobody answered for so long (ms): the process or its node stood still. */
  stalled(ms: number): void {
    this.metrics.stoodStill();
    this.log.error({ seconds: Math.round(ms / 100) / 10 }, 'the server stood still: nobody answered reviews');
  }

  refused(error: KubeblameError): void {
    this.metrics.count('refused');
    this.log.warn({ code: error.code, reason: error.message }, 'request refused');
  }

  turnedAway(error: KubeblameError, from: string): void {
    this.metrics.count('turned-away');
    // Whoever tries for hours must not fill the log: the metrics count.
    const now = performance.now();
    if (now < this.quietUntil) return;
    this.quietUntil = now + QUIET_MS;
    this.log.warn({ code: error.code, reason: error.message, from }, 'caller turned away');
  }

  /** Reviews were recorded that came from an address which is no API server's. */
  elsewhere(from: string, reviews: number): void {
    this.metrics.fromElsewhere(reviews);
    if (this.strangers.has(from) || this.strangers.size >= MAX_STRANGERS) return;
    this.strangers.add(from);
    this.log.warn(
      { from },
      'reviews come from an address that is not among the endpoints of default/kubernetes: recorded, see --api-server-cidrs',
    );
  }

  stop(): void {
    this.stopping = true;
  }

  /**
   * Kubernetes' own form: a line a check, `[-]` where it makes the server unready, `[!]` where it does not. Ready means
   * that reviews are taken: the spool keeps them while the ledger is busy or cannot be written, and an unready server
   * would be sent none, so that they would be lost. Earlier losses do not make it unready either.
   */
  async readiness(): Promise<{ ready: boolean; text: string }> {
    const lines: string[] = [];
    let ready = !this.stopping;
    lines.push(this.stopping ? '[-]serving: shutting down' : '[+]serving ok');
    try {
      this.options.checkSpool();
      lines.push('[+]spool ok');
    } catch (error) {
      ready = false;
      lines.push(`[-]spool: ${messageOf(error)}`);
    }
    lines.push(await this.ledgerLine());
    if (this.options.isFull?.() === true) {
      lines.push('[!]disk full: only who asked for what is recorded, without bodies, until there is room');
    }
    const lease = this.options.lease?.() ?? null;
    if (lease !== null) lines.push(lease);
    if (lease?.startsWith('[-]') === true) ready = false;
    const damage = this.options.damage?.() ?? null;
    if (damage !== null) lines.push(`[!]ledger damaged: ${damage}: see the runbook`);
    lines.push(this.losses === 0 ? '[+]losses none' : `[!]losses ${this.losses} not recorded: see the log`);
    return { ready, text: `${lines.join('\n')}\n` };
  }

  private async ledgerLine(): Promise<string> {
    const busy = new AbortController();
    try {
      const answer = await Promise.race([
        this.options.checkLedger().then(() => '[+]ledger ok'),
        sleep(LEDGER_MS, '[!]ledger busy: reviews wait in the spool', { signal: busy.signal, ref: false }),
      ]);
      return answer;
    } catch (error) {
      return `[!]ledger: ${messageOf(error)}`;
    } finally {
      busy.abort();
    }
  }
}
