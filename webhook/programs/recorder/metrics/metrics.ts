import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Recorded, RecorderEvents } from '../../../record/capture/recorder/options.ts';
import { NOT_RECORDED, type NotRecorded } from '../../../../shared/not-kept.ts';
import type { EventTotals } from '../../../ledger/port/events.ts';
import { EventMetrics } from './event-metrics.ts';
import { addBuildInfo, addLeaseHeld } from './standing.ts';
import type { CoverageEvent } from '../../../ledger/port/port.ts';

/** What became of a request at the admission endpoint. */
export const REVIEW_RESULTS = [
  'recorded',
  'unchanged',
  'excluded',
  'dry-run',
  'lost',
  'refused',
  'turned-away',
] as const;
export type ReviewResult = Recorded | 'lost' | 'refused' | 'turned-away';

/** Why recording may not work while the server runs. */
const GAP_CAUSES = ['unregistered', 'unreachable', 'disk-full'] as const;
type GapCause = (typeof GAP_CAUSES)[number] | (typeof POINT_CAUSES)[number];
/** Of gaps that are over when they are told. */
const POINT_CAUSES = ['unanswered', 'replaced'] as const;

/** Which events begin and end which gap. */
const GAP_EVENTS: Partial<Record<CoverageEvent, { cause: GapCause; open: 0 | 1 }>> = {
  unregistered: { cause: 'unregistered', open: 1 },
  registered: { cause: 'unregistered', open: 0 },
  unreachable: { cause: 'unreachable', open: 1 },
  reached: { cause: 'unreachable', open: 0 },
};

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

/**
 * All that an operator can measure, in Prometheus' conventions (https://prometheus.io/docs/practices/naming/). The one
 * definition of each metric: the OTLP export, the dashboard and the alert rules use the same names.
 */
export class Metrics implements RecorderEvents {
  readonly registry = new Registry();
  private readonly reviews: Counter<'result'>;
  private readonly admission: Histogram;
  private readonly commitSeconds: Histogram;
  private readonly commitChanges: Histogram;
  private readonly gap: Gauge<'cause'>;
  private readonly lostFacts: Counter;
  private readonly redactions: Counter<'rule'>;
  private readonly elsewhere: Counter;
  private readonly gaps: Counter<'cause'>;
  private readonly unreviewed: Counter;
  private readonly notKept: Counter<'reason'>;
  readonly events: EventMetrics;

  constructor(private readonly sources: MetricSources) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.reviews = new Counter({
      name: 'kubeblame_reviews_total',
      help: 'Admission reviews by what became of them; lost: admitted, not recorded; turned-away: not from the API server.',
      labelNames: ['result'],
      registers,
    });
    for (const result of REVIEW_RESULTS) this.reviews.inc({ result }, 0);
    this.admission = new Histogram({
      name: 'kubeblame_admission_duration_seconds',
      help: 'Time from the first byte of a review to its answer, the fsync of the spool included.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.commitSeconds = new Histogram({
      name: 'kubeblame_commit_duration_seconds',
      help: 'Time to write one group of changes to the ledger, the fsync included.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.commitChanges = new Histogram({
      name: 'kubeblame_commit_changes',
      help: 'Changes that share one commit.',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    });
    this.lostFacts = new Counter({
      name: 'kubeblame_observed_objects_lost_total',
      help: 'Objects that a list or watch showed and that could not be recorded: bugs.',
      registers,
    });
    this.unreviewed = new Counter({
      name: 'kubeblame_unreviewed_changes_total',
      help: 'Changes that only the watch showed, while recording was said to work: no review of them arrived.',
      registers,
    });
    this.notKept = new Counter({
      name: 'kubeblame_bodies_not_kept_total',
      help: 'Requests that were recorded without the body that they asked for, by reason.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of NOT_RECORDED) this.notKept.inc({ reason }, 0);
    this.gap = new Gauge({
      name: 'kubeblame_coverage_gap',
      help: 'Whether changes may go by unrecorded, by cause: 1 while they may.',
      labelNames: ['cause'],
      registers,
    });
    this.elsewhere = new Counter({
      name: 'kubeblame_reviews_from_elsewhere_total',
      help: 'Reviews whose sender knew the proof and whose address is no API server’s: recorded, or, by --api-server-cidrs, turned away.',
      registers,
    });
    this.redactions = new Counter({
      name: 'kubeblame_redaction_rule_matches_total',
      help: 'Values that a configured redaction rule has redacted since the start, by rule; 0: it has matched nothing so far.',
      labelNames: ['rule'],
      registers,
      collect: () => this.redacted(sources.redacted()),
    });
    for (const rule of sources.redactionRules) this.redactions.inc({ rule }, 0);
    this.gaps = new Counter({
      name: 'kubeblame_coverage_gaps_total',
      help: 'Gaps that have begun, by cause: also those that were over before the next scrape.',
      labelNames: ['cause'],
      registers,
    });
    for (const cause of GAP_CAUSES) {
      this.gap.set({ cause }, 0);
      this.gaps.inc({ cause }, 0);
    }
    for (const cause of POINT_CAUSES) this.gaps.inc({ cause }, 0);
    this.events = new EventMetrics(this.registry, () => sources.events());
    addGauges(this.registry, sources);
    addBuildInfo(this.registry);
    addLeaseHeld(this.registry, () => sources.leaseHeld());
  }

  count(result: ReviewResult, times = 1): void {
    this.reviews.inc({ result }, times);
  }

  /** `seconds` from each review's first byte to its answer. */
  answered(seconds: readonly number[]): void {
    for (const one of seconds) this.admission.observe(one);
  }

  committed(changes: number, seconds: number): void {
    this.commitChanges.observe(changes);
    this.commitSeconds.observe(seconds);
  }

  /** An object that a list or watch showed was not recorded. */
  loseFact(): void {
    this.lostFacts.inc();
  }

  fromElsewhere(reviews: number): void {
    this.elsewhere.inc(reviews);
  }

  /** How many values each configured redaction rule has redacted, in their order. */
  redacted(counts: readonly number[]): void {
    for (const [index, rule] of this.sources.redactionRules.entries()) {
      this.redactions.inc({ rule }, counts[index] ?? 0);
    }
  }

  covered(event: CoverageEvent): void {
    if (event === 'unreviewed') this.unreviewed.inc();
    if (event === 'unanswered' || event === 'replaced') this.gaps.inc({ cause: event });
    const told = GAP_EVENTS[event];
    if (told !== undefined) this.setGap(told.cause, told.open);
  }

  bodyNotKept(reason: NotRecorded): void {
    this.notKept.inc({ reason });
  }

  /** The disk is full, or has room again. Told by itself: the ledger may take its event much later. */
  diskFull(isFull: boolean): void {
    this.setGap('disk-full', isFull ? 1 : 0);
  }

  private setGap(cause: GapCause, open: 0 | 1): void {
    this.gap.set({ cause }, open);
    if (open === 1) this.gaps.inc({ cause });
  }
}

/** Gauges that are read from their source when they are asked for. */
function addGauges(registry: Registry, sources: MetricSources): void {
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
