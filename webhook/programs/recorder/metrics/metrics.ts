import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { VERSION } from '../../../../shared/version.ts';
import type { Recorded, RecorderEvents } from '../../../record/capture/recorder/options.ts';
import { NOT_RECORDED, type NotRecorded } from '../../../../shared/not-kept.ts';
import type { CoverageEvent } from '../../../ledger/port/port.ts';
import { EventMetrics } from './event-metrics.ts';
import { addGauges, type MetricSources } from './gauges.ts';
import type { AuditResult } from '../../../record/sources/audit/audit-intake.ts';
import { MISSED_REASONS, type MissedReason } from '../../../record/coverage/api-counters.ts';

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

/** What became of an event of the audit log. */
const AUDIT_RESULTS: Readonly<Record<AuditResult, string>> = {
  recorded: 'recorded',
  enriched: 'enriched',
  refused: 'refused',
  'already there': 'already-there',
  unchanged: 'unchanged',
  ambiguous: 'ambiguous',
  excluded: 'excluded',
  'passed over': 'passed-over',
  unusable: 'unusable',
};

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

/**
 * All that an operator can measure, in Prometheus' conventions (https://prometheus.io/docs/practices/naming/). The one
 * definition of each metric: the OTLP export, the dashboard and the alert rules use the same names.
 */
export class Metrics implements RecorderEvents {
  readonly registry = new Registry();
  private readonly reviews: Counter<'result'>;
  private readonly auditEvents: Counter<'result'>;
  private readonly admission: Histogram;
  private readonly commitSeconds: Histogram;
  private readonly commitChanges: Histogram;
  private readonly gap: Gauge<'cause'>;
  private readonly lostFacts: Counter;
  private readonly redactions: Counter<'rule'>;
  private readonly elsewhere: Counter;
  private readonly gaps: Counter<'cause'>;
  private readonly unreviewed: Counter;
  private readonly missed: Counter<'reason'>;
  private readonly standstills: Counter;
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
    this.auditEvents = new Counter({
      name: 'kubeblame_audit_events_total',
      help: 'Events of the audit log by what became of them; unusable: a gap; refused: a request that the API server refused.',
      labelNames: ['result'],
      registers,
    });
    for (const result of Object.values(AUDIT_RESULTS)) this.auditEvents.inc({ result }, 0);
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
    this.missed = new Counter({
      name: 'kubeblame_requests_missed_total',
      help: 'Requests that went on without a review, as the API server itself counts them since this server began to compare, by reason.',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of MISSED_REASONS) this.missed.inc({ reason }, 0);
    this.standstills = new Counter({
      name: 'kubeblame_standstills_total',
      help: 'How often nobody answered for longer than the API server waits: the process or its node stood still.',
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

  auditEvent(result: AuditResult): void {
    this.auditEvents.inc({ result: AUDIT_RESULTS[result] });
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

  /** Requests that the API server counts as gone on without a review. */
  miss(reason: MissedReason, requests: number): void {
    this.missed.inc({ reason }, requests);
  }

  /** Nobody answered for longer than the API server waits. */
  stoodStill(): void {
    this.standstills.inc();
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

export function addBuildInfo(registry: Registry): void {
  const help = 'Always 1; its label is the version.';
  const info = new Gauge({ name: 'kubeblame_build_info', help, labelNames: ['version'], registers: [registry] });
  info.set({ version: VERSION }, 1);
}

/** Also of a standby. */
export function addLeaseHeld(registry: Registry, read: () => boolean): void {
  new Gauge({
    name: 'kubeblame_lease_held',
    help: 'Whether this server records: 1; 0 for a standby.',
    registers: [registry],
    collect() {
      this.set(Number(read()));
    },
  });
}
