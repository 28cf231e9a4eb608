import { LRUCache } from 'lru-cache';
import { DISPUTED } from '../../../../shared/types.ts';
import {
  EXPLAINED_LATE,
  isExplained,
  type CoverageEvent,
  type LedgerStore,
  type NewChange,
  type NewOutcome,
} from '../../../ledger/port/port.ts';
import { unreviewedSeq } from '../../../ledger/port/intervals.ts';
import { nameKey } from '../objects/object-head.ts';

/**
 * A change whose review has not come by then never sent one, or it was lost on its way: the API server waits ten seconds at most
 * by default, and a server that was held up for longer reads its reviews together with what the watch showed.
 */
export const UNREVIEWED_AFTER_MS = 30_000;
/** An API server learns of a new webhook configuration in about a second; creationTimestamps have whole seconds. */
const TAKES_EFFECT_MS = 5_000;
/** Pods whose evictions are remembered. */
const EVICTED = 10_000;

/** An earlier process had no more changes than these within half a minute that it could not tell of. */
const MAX_RECALLED = 10_000;

/** What is looked at of a change. */
type Seen = Pick<NewChange, 'seq' | 'at' | 'object' | 'operation' | 'subresource' | 'source' | 'late'> & {
  detail: Pick<NewChange['detail'], 'cause' | 'notBefore'>;
};

interface Candidate {
  change: Seen;
  dueAt: number;
}

/** A change that only a list or watch showed, while every change was to be reviewed. */
export interface Unreviewed {
  change: Pick<NewChange, 'seq' | 'object'>;
  /** It happened between these (ms). */
  from: number;
  to: number;
}

/**
 * Finds the changes that only a list or watch showed while recording was said to work: their reviews never arrived. What was not
 * to be reviewed, or follows from another change, is none of them (docs/runbook.md, KubeblameReviewsMissing).
 */
export class UnreviewedChanges {
  private readonly candidates = new Map<number, Candidate>();
  private readonly evicted = new LRUCache<string, true>({ max: EVICTED });
  /** Since when (ms) all changes are sent and seen; null while they are not, or that is not known. */
  private worksSince: number | null = null;
  private registered = false;
  private reached = true;

  /** `isSent`: whether a change of the object is sent to the webhook, and recorded, whoever makes it. */
  constructor(private readonly isSent: (change: Pick<NewChange, 'object' | 'operation'>) => boolean) {}

  /**
   * Takes up the changes that an earlier process did not come to tell of: it ended within the half minute in which their reviews might
   * still have come. Call before anything is told or committed.
   */
  async recall(store: LedgerStore, lastAt: number): Promise<void> {
    const minSeq = (await store.seqAt(lastAt - UNREVIEWED_AFTER_MS)) + 1;
    const recent = (await store.changes({ minSeq }, MAX_RECALLED)).reverse();
    if (!recent.some(({ source }) => source === 'watch')) return;
    const disputed = new Set(recent.flatMap(({ objectId, outcomeReason }) => (outcomeReason === DISPUTED ? [objectId] : []))); // prettier-ignore
    const changes = recent.flatMap((change) =>
      isExplained(change) || disputed.has(change.objectId) ? [] : [{ ...change, detail: change.detail() }],
    );
    const told = new Set<number>();
    for (const { event, detail, at } of await store.coverage()) {
      while (changes[0] !== undefined && changes[0].at < at) this.committed([changes.shift() as Seen], []);
      this.covered(event, at);
      const seq = event === 'unreviewed' ? unreviewedSeq(detail) : null;
      if (seq !== null) told.add(seq);
    }
    this.committed(changes, []);
    for (const seq of told) this.candidates.delete(seq);
  }

  covered(event: CoverageEvent, at: number): void {
    if (event === 'registered') this.registered = true;
    else if (event === 'unregistered' || event === 'started') this.registered = false;
    else if (event === 'reached' || event === 'unreachable') this.reached = event === 'reached';
    if (!this.registered || !this.reached) this.worksSince = null;
    else this.worksSince ??= at;
  }

  /** What became durable. Returns the changes of which it was told too early that no review came, perhaps. */
  committed(changes: readonly Seen[], outcomes: readonly NewOutcome[]): number[] {
    // Of a version that several claim a review did come: too many did.
    const disputes = new Set(outcomes.filter(({ reason }) => reason === DISPUTED).map(({ at }) => at));
    for (const change of changes) {
      if (change.subresource === 'eviction') this.evicted.set(nameKey(change.object), true);
      if (!disputes.has(change.at) && this.isCandidate(change)) {
        this.candidates.set(change.seq, { change, dueAt: change.at + UNREVIEWED_AFTER_MS });
      }
    }
    const explained = outcomes.filter(({ reason }) => reason === EXPLAINED_LATE).map(({ seq }) => seq);
    return explained.filter((seq) => !this.candidates.delete(seq));
  }

  /** Those whose reviews would have come by now (ms); each once. */
  due(now: number): Unreviewed[] {
    const due: Unreviewed[] = [];
    for (const [seq, { change, dueAt }] of this.candidates) {
      if (dueAt > now) break;
      this.candidates.delete(seq);
      // Asked now: of a configuration that somebody else keeps it is known later what it leaves out.
      if (this.isSent(change)) due.push({ change, from: change.detail.notBefore ?? change.at, to: change.at });
    }
    return due;
  }

  private isCandidate(change: Seen): boolean {
    const { source, detail, object } = change;
    if (source !== 'watch' || detail.cause !== null || change.late || this.worksSince === null) return false;
    if ((detail.notBefore ?? change.at) < this.worksSince + TAKES_EFFECT_MS) return false;
    // Never sent to webhooks: nobody could switch a broken one off otherwise.
    if (object.group === 'admissionregistration.k8s.io') return false;
    // An eviction deletes its pod without a review; of several it is not known which one did.
    return object.group !== '' || object.resource !== 'pods' || !this.evicted.has(nameKey(object));
  }
}
