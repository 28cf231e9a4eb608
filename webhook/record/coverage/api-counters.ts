import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { ApiStatusError, type KubeApiClient } from '../../platform/kubernetes/api-client.ts';

/** How often the API server's metrics are read; Prometheus reads them more often. */
const COUNTERS_EVERY_MS = 30_000;

/** A stop does not wait longer for the API server's last word. */
const LAST_LOOK_MS = 2_000;

/** Why the API server let requests go on although we had no say. */
export const MISSED_REASONS = ['no-answer', 'match-conditions'] as const;
export type MissedReason = (typeof MISSED_REASONS)[number];

/** What the API server counts of these, and how that is told. */
const COUNTERS: Readonly<Record<string, { reason: MissedReason; text: (count: number) => string }>> = {
  apiserver_admission_webhook_fail_open_count: {
    reason: 'no-answer',
    text: (count) => `the API server got no answer for ${requests(count)} and let ${count === 1 ? 'it' : 'them'} go on`,
  },
  apiserver_admission_match_condition_evaluation_errors_total: {
    reason: 'match-conditions',
    text: (count) => `the API server could not evaluate the match conditions for ${requests(count)} and sent no review`,
  },
};
/** Tells one process of an API server from another, and from the one before it: each counts for itself. */
const STARTED = 'process_start_time_seconds';

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;

export interface ApiCountersOptions {
  client: Pick<KubeApiClient, 'lines'>;
  /** Names of our webhooks, as the metrics have them: those of the configuration that sends reviews here. */
  webhooks: () => readonly string[];
  /** Told what was counted since the last look, in words too, and between which moments (ms). */
  missed: (counted: { reason: MissedReason; count: number; what: string }, from: number, to: number) => void;
  log: Logger;
  now: () => number;
  everyMs?: number;
}

/**
 * Compares what is recorded with what the API server itself counts: requests that it did not wait for, or did not ask about, are a
 * gap, also where nothing here could know of them. Where its metrics may not be read, nothing is compared.
 */
export class ApiCounters {
  /** By process: when it was looked at, and what it had counted. */
  private readonly seen = new Map<string, { at: number; counts: ReadonlyMap<string, number> }>();
  private timer: NodeJS.Timeout | undefined;
  private readonly closing = new AbortController();
  private looking: Promise<void> = Promise.resolve();
  private readable: boolean | null = null;

  constructor(private readonly options: ApiCountersOptions) {}

  /** Begins to look. What was counted before is nobody's gap. */
  start(): void {
    const look = (): void => void (this.looking = this.looking.then(() => this.look()));
    look();
    this.timer = setInterval(look, this.options.everyMs ?? COUNTERS_EVERY_MS);
  }

  /** Reads the metrics once. Never rejects. */
  async look(): Promise<void> {
    const { log, now, missed } = this.options;
    try {
      const { started, counts } = await this.read();
      const at = now();
      const last = this.seen.get(started);
      this.seen.set(started, { at, counts });
      if (this.readable !== true) log.info('compared with what the API server counts');
      this.readable = true;
      if (last === undefined) return;
      for (const [counter, { reason, text }] of Object.entries(COUNTERS)) {
        const sum = (seen: ReadonlyMap<string, number>): number =>
          this.options.webhooks().reduce((total, webhook) => total + (seen.get(keyOf(counter, webhook)) ?? 0), 0);
        const count = sum(counts) - sum(last.counts);
        if (count > 0) missed({ reason, count, what: text(count) }, last.at, at);
      }
    } catch (error) {
      if (this.closing.signal.aborted || this.readable === false) return;
      this.readable = false;
      const denied = error instanceof ApiStatusError && error.status === 403;
      const what = denied ? 'not compared with what the API server counts: no right to read its metrics' : 'not compared with what the API server counts'; // prettier-ignore
      log[denied ? 'info' : 'warn']({ reason: messageOf(error) }, what);
    }
  }

  /** Looks once more: the next process begins with what is counted then. Resolves when nothing is being read any more. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    const tooLong = setTimeout(() => this.closing.abort(), LAST_LOOK_MS);
    await this.looking;
    if (this.readable === true) await this.look();
    clearTimeout(tooLong);
    this.closing.abort();
  }

  /** By counter and webhook, also those of others: which ones are ours may be known later. */
  private async read(): Promise<{ started: string; counts: ReadonlyMap<string, number> }> {
    const counts = new Map<string, number>();
    let started = '';
    for await (const line of this.options.client.lines('metrics', this.closing.signal)) {
      // Most of some ten thousand lines are none of these.
      if (!line.startsWith('apiserver_admission_') && !line.startsWith(STARTED)) continue;
      const [, name = '', labels = '', value = ''] = LINE.exec(line) ?? [];
      if (name === STARTED) started = value;
      const webhook = /(?:^|,)name="([^"]*)"/.exec(labels)?.[1];
      if (COUNTERS[name] === undefined || webhook === undefined) continue;
      const key = keyOf(name, webhook);
      counts.set(key, (counts.get(key) ?? 0) + Number(value));
    }
    return { started, counts };
  }
}

function keyOf(counter: string, webhook: string): string {
  return `${counter} ${webhook}`;
}

function requests(count: number): string {
  return count === 1 ? 'one request' : `${count} requests`;
}
