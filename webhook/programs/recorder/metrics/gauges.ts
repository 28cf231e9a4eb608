import { Gauge, type Registry } from 'prom-client';
import type { EventTotals } from '../../../ledger/port/events.ts';

/** What is asked for only when the metrics are read. */
export interface MetricSources {
  /** Reviews that were answered, and are not in the ledger yet. */
  queueDepth(): number;
  /** Attempts that nothing has settled yet, as far as they are counted, and the time (ms) of the oldest. */
  pending(): Promise<{ count: number; oldestAt: number | null }>;
  /** The ledger's last seq, and its bytes on disk. */
  ledger(): Promise<{ changes: number; bytes: number }>;
  /** What there is of Kubernetes Events. */
  events(): Promise<EventTotals>;
  /** Milliseconds since the watch that is furthest behind showed something; null where nothing is watched. */
  watchLagMs(): number | null;
  /** How far the machine's clock is ahead of the time that is recorded (ms); 0 unless it jumped. */
  clockAheadMs(): number;
  /** Whether this server is the one that records. */
  leaseHeld(): boolean;
  /** Whether a part of the ledger is known to be damaged. */
  ledgerDamaged(): boolean;
  /** When the serving certificate ends (ms). */
  certificateExpiresAt(): number;
  /** The configured redaction rules, a path each: `configmaps data.password`. */
  redactionRules: readonly string[];
  /** How many values each of these has redacted in what the watch showed, since it was asked last. */
  redacted(): readonly number[];
  /** When the oldest commit was made that the target of --stream has not taken (ms), the present without one; null without --stream. */
  unsentSince(): number | null;
  /** How many addresses and networks the API servers are known by. */
  apiServerNetworks(): number;
  now(): number;
}

/** Milliseconds to seconds: Prometheus' base unit. */
const SECOND = 1000;

/** Gauges that are read from their source when they are asked for. */
export function addGauges(registry: Registry, sources: MetricSources): void {
  const gauge = (name: string, help: string, read: () => number | null | Promise<number | null>): void => {
    const created: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        // Unknown is not zero: such a value is left out.
        const value = await read();
        if (value === null) created.remove();
        else created.set(value);
      },
    });
  };
  gauge('kubeblame_queue_depth', 'Reviews that were answered, and are not in the ledger yet.', () =>
    sources.queueDepth(),
  );
  gauge(
    'kubeblame_pending_outcomes',
    'Attempts of the last five minutes that nothing has settled yet; counted up to 1000.',
    async () => (await sources.pending()).count,
  );
  gauge('kubeblame_pending_outcome_oldest_age_seconds', 'Age of the oldest of them; absent without one.', async () => {
    const { oldestAt } = await sources.pending();
    return oldestAt === null ? null : (sources.now() - oldestAt) / SECOND;
  });
  gauge(
    'kubeblame_watch_lag_seconds',
    'Time since the watch that is furthest behind showed something; bookmarks come about once a minute.',
    () => {
      const lag = sources.watchLagMs();
      return lag === null ? null : lag / SECOND;
    },
  );
  gauge(
    'kubeblame_stream_behind_seconds',
    'Age of the oldest commit that the target of --stream has not taken; 0 without one, absent without --stream.',
    () => {
      const since = sources.unsentSince();
      return since === null ? null : Math.max(0, sources.now() - since) / SECOND;
    },
  );
  gauge(
    'kubeblame_api_server_networks',
    'Addresses and networks that the API servers are known by; 0: unknown, so that none is compared.',
    () => sources.apiServerNetworks(),
  );
  gauge('kubeblame_ledger_changes', 'Changes in the ledger.', async () => (await sources.ledger()).changes);
  gauge(
    'kubeblame_ledger_bytes',
    'Size of the ledger on disk, indexes and write-ahead log included.',
    async () => (await sources.ledger()).bytes,
  );
  gauge(
    'kubeblame_clock_ahead_seconds',
    "How far the machine's clock is ahead of the time that is recorded: not 0 while a jump of it is not followed.",
    () => sources.clockAheadMs() / SECOND,
  );
  gauge('kubeblame_ledger_damaged', 'Whether a part of the ledger is known to be damaged: 1 if it is.', () =>
    Number(sources.ledgerDamaged()),
  );
  gauge(
    'kubeblame_certificate_expiry_timestamp_seconds',
    'When the serving certificate ends, in seconds since 1970.',
    () => sources.certificateExpiresAt() / SECOND,
  );
}
