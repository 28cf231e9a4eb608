import type { AuditRecord } from '../../../../shared/audit.ts';
import { reconstruct } from '../../../../shared/reconstruct.ts';
import { apiVersionOf, type ManagedField } from '../../../../shared/normalise.ts';
import { applyPatch, hashBody } from '../../../../shared/patch.ts';
import { isStatusOnly } from '../../../../shared/status-only.ts';
import type { JsonObject, ObjectRef, Patch } from '../../../../shared/types.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import {
  BODY_SNAPSHOT_EVERY,
  type LedgerStore,
  type NewChange,
  type NewOutcome,
  type OutcomeReason,
} from '../../../ledger/port/port.ts';
import { bodySnapshotOf, requireChange } from '../../../ledger/port/steps.ts';
import type { Ending } from '../endings/ending.ts';
import type { ReplicasPaths } from './scale.ts';
import { withIncarnations, type Memory } from './memory.ts';
import {
  headKey,
  nameKey,
  settledBy,
  versionOf,
  withVersions,
  type ObjectHead,
  type HeadVersion,
} from './object-head.ts';

/** What must be known of a state to put a change on top of it. */
export interface Base {
  seq: number;
  depth: number;
}

/** A change as the capture code writes it; the rest follows from where it is put. */
export interface ChangeInput extends Omit<
  NewChange,
  'seq' | 'at' | 'occurredAt' | 'depth' | 'parent' | 'hash' | 'bodySnapshot' | 'apiVersion' | 'statusOnly' | 'detail'
> {
  /** When it happened (ms), where that is long before it came here. */
  occurredAt?: number | undefined;
  base: Base | null;
  /** null where the object is gone, and for an act. */
  body: JsonObject | null;
  patch: Patch;
  /** What was asked for, where `patch` has more in it. */
  own?: Patch;
  /** True where `body` is the one before: the one after is not known. */
  unknown?: boolean;
  /** Those of the body, where it is shown as a whole. */
  managedFields?: readonly ManagedField[];
  detail: Partial<NewChange['detail']>;
}

/**
 * What one job adds: changes, outcomes and the heads that follow from them. It reaches the recorder's memory only when
 * the whole job has succeeded, so that a failure inside leaves no half of a change.
 */
export class Draft {
  readonly changes: NewChange[] = [];
  /** Those that follow each of them, in their order. */
  readonly bodies: (JsonObject | null)[] = [];
  readonly outcomes: NewOutcome[] = [];
  readonly heads = new Map<string, ObjectHead>();
  /** What is still to end with what this job has ended, once that is durable: endings.ts. */
  readonly endings: Ending[] = [];
  /** What the API server made of changes, by seq. */
  readonly amendments = new Map<number, Amendment>();
  /** Changes whose body may not be what is remembered of them. */
  readonly stale = new Set<number>();
  /** The managedFields that came with changes, by seq. */
  readonly fields = new Map<number, readonly ManagedField[]>();

  constructor(private readonly memory: Memory) {}

  get store(): LedgerStore {
    return this.memory.store;
  }

  get at(): number {
    return this.memory.at;
  }

  async head(object: ObjectRef): Promise<ObjectHead> {
    return this.heads.get(headKey(object)) ?? (await this.memory.head(object));
  }

  setHead(head: ObjectHead): void {
    this.heads.set(headKey(head.object), head);
  }

  /** Adds a change; one with a body becomes the newest version of its object's head. */
  async add(input: ChangeInput): Promise<HeadVersion> {
    const { base, body, patch, detail } = input;
    const unknown = input.unknown === true;
    const depth = body !== null && base !== null ? base.depth + 1 : 0;
    const bodySnapshot = body !== null && !unknown && depth >= BODY_SNAPSHOT_EVERY ? body : null;
    // Written out, here and elsewhere on the way of a review: copying with ... takes several times as long.
    const change: NewChange = {
      object: input.object,
      operation: input.operation,
      subresource: input.subresource,
      source: input.source,
      actor: input.actor,
      manager: input.manager,
      effect: input.effect,
      late: input.late,
      baseResourceVersion: input.baseResourceVersion,
      resourceVersion: input.resourceVersion,
      reviewUid: input.reviewUid,
      seq: this.memory.nextSeq + this.changes.length,
      at: this.memory.at,
      parent: base?.seq ?? null,
      depth: bodySnapshot === null ? depth : 0,
      apiVersion: apiVersionOf(body),
      hash: unknown ? null : hashBody(body),
      statusOnly: isStatusOnly(input.own ?? patch),
      bodySnapshot,
      ...(input.occurredAt === undefined ? {} : { occurredAt: input.occurredAt }),
      detail: {
        patch,
        options: detail.options ?? null,
        cause: detail.cause ?? null,
        notBefore: detail.notBefore ?? null,
        managersHint: detail.managersHint ?? [],
        ...(detail.base === undefined ? {} : { base: detail.base }),
        ...(detail.scale === undefined ? {} : { scale: detail.scale }),
      },
    };
    this.changes.push(change);
    this.bodies.push(body);
    if (input.managedFields !== undefined) this.fields.set(change.seq, input.managedFields);
    const version = versionOf(change, change.source === 'admission' ? 'pending' : 'committed');
    if (change.effect !== 'none') {
      const head = await this.head(change.object);
      // Behind a newer fact nothing is open any more.
      const settled = version.outcome === 'committed' && !version.late;
      this.setHead(withVersions(head, settled ? [version] : [version, ...head.versions]));
    }
    return version;
  }

  /** Settles a version of an object. `amendment`: what the API server made of it beyond what was asked for. */
  async settle(
    object: ObjectRef,
    version: HeadVersion,
    outcome: NewOutcome['outcome'],
    reason: OutcomeReason,
    resourceVersion = '',
    amendment?: Amendment,
  ): Promise<HeadVersion> {
    const given = { seq: version.seq, outcome, reason, resourceVersion, at: this.memory.at };
    const told = amendment === undefined ? given : { ...given, amendment };
    this.outcomes.push(told);
    const settled = settledBy(version, told);
    const head = await this.head(object);
    if (amendment !== undefined) {
      this.amendments.set(version.seq, amendment);
      for (const { seq } of head.versions) this.stale.add(seq);
    }
    const replace = (other: HeadVersion): HeadVersion => (other.seq === version.seq ? settled : other);
    const past = head.past.some(({ seq }) => seq === version.seq) ? head.past.map(replace) : head.past;
    this.setHead(withVersions({ object: head.object, versions: head.versions, past }, head.versions.map(replace)));
    return settled;
  }

  /** Adds what the audit log tells of a change, with what became of it by then: in the outcome that this draft gives it, or a new one. */
  attach(told: NewOutcome & { audit: AuditRecord }): void {
    const index = this.outcomes.findLastIndex(({ seq }) => seq === told.seq);
    const own = this.outcomes[index];
    if (own === undefined) this.outcomes.push(told);
    else this.outcomes[index] = { ...own, audit: told.audit };
  }

  /** What the audit log has told of a change; null where it has told nothing yet. */
  async auditOf(seq: number): Promise<AuditRecord | null> {
    const told = [...this.memory.waitingOutcomes, ...this.outcomes].findLast(
      (outcome) => outcome.seq === seq && outcome.audit !== undefined,
    );
    if (told?.audit !== undefined) return told.audit;
    return (await this.store.change(seq))?.audit() ?? null;
  }

  /** Whether something of a request of the audit log was recorded. */
  async hasAudit(id: string): Promise<boolean> {
    const waits = [...this.memory.waitingOutcomes, ...this.outcomes].some(({ audit }) => audit?.id === id);
    return waits || this.store.hasAudit(id);
  }

  /** Settles an act, which is in no head, by what it brought about. */
  confirmAct(seq: number, resourceVersion: string): void {
    const reason = 'its effect was seen';
    this.outcomes.push({ seq, outcome: 'committed', reason, resourceVersion, at: this.memory.at });
  }

  /** A change of this draft, of those that wait for their commit, or of the store. Rejects where there is none. */
  async change(seq: number): Promise<NewChange> {
    const bySeq = (change: NewChange): boolean => change.seq === seq;
    const amendment = this.amendments.get(seq) ?? this.memory.amendment(seq);
    const own = this.changes.find(bySeq) ?? this.memory.recent(seq)?.change ?? this.memory.waiting.find(bySeq);
    if (own !== undefined) return amendment === undefined ? own : amended(own, amendment);
    const stored = await requireChange(this.store, seq);
    const change = { ...stored, detail: stored.detail(), bodySnapshot: await bodySnapshotOf(this.store, stored) };
    return amendment === undefined || stored.amended ? change : amended(change, amendment);
  }

  /** What a definition says that is not recorded, by its name. */
  replicasPaths(definition: string): ReplicasPaths | undefined {
    return this.memory.replicasPaths(definition);
  }

  /** The managedFields that a review or a fact had, where they are remembered. */
  managedFields(seq: number): readonly ManagedField[] | undefined {
    return this.fields.get(seq) ?? this.memory.managedFields(seq);
  }

  /** The body of a state; null where the object is gone. */
  async body(seq: number): Promise<JsonObject | null> {
    const recent = this.stale.has(seq) ? undefined : this.memory.recent(seq);
    if (recent !== undefined) return recent.body;
    return reconstruct(seq, async (at) => {
      const { parent, detail, bodySnapshot } = await this.change(at);
      return { parent, patch: detail.patch, bodySnapshot };
    });
  }

  /** The objects of changes that wait for their commit: the store may not know them yet. */
  get unstored(): ObjectRef[] {
    return [...this.memory.waiting, ...this.changes].map(({ object }) => object);
  }

  /** All incarnations of an object's name, the newest first, also those that wait for their commit. */
  async incarnations(key: ObjectRef): Promise<readonly ObjectRef[]> {
    return withIncarnations(await this.memory.incarnations(key), key, this.changes);
  }

  /** The versions of one incarnation, attempts included, the newest first: about so many of them, further back than its head goes. */
  async known(object: ObjectRef, limit: number): Promise<HeadVersion[]> {
    const { group, resource, namespace, name, uid } = object;
    const stored = await this.store.changes({ type: { group, resource }, namespace, names: [name], uid }, limit);
    const known = new Map(stored.map((change) => [change.seq, versionOf(change, change.outcome)]));
    const key = headKey(object);
    for (const change of [...this.memory.waiting, ...this.changes]) {
      if (headKey(change.object) !== key) continue;
      known.set(change.seq, versionOf(change, change.source === 'admission' ? 'pending' : 'committed'));
    }
    // A head keeps only some of those that lie behind its last fact.
    for (const outcome of [...this.memory.waitingOutcomes, ...this.outcomes]) {
      const version = known.get(outcome.seq);
      if (version !== undefined) known.set(outcome.seq, settledBy(version, outcome));
    }
    const head = await this.head(object);
    for (const version of [...head.past, ...head.versions]) known.set(version.seq, version);
    return [...known.values()].filter(({ effect }) => effect !== 'none').sort((a, b) => b.seq - a.seq);
  }

  /** All that was recorded of an object of any incarnation, or of none, since a moment (ms), newest first; at most so much. */
  async since(object: ObjectRef, since: number, limit: number): Promise<NewChange[]> {
    const { group, resource, namespace, name } = object;
    const minSeq = (await this.store.seqAt(since - 1)) + 1;
    const stored = await this.store.changes({ type: { group, resource }, namespace, names: [name], minSeq }, limit);
    const own = [...this.memory.waiting, ...this.changes].filter(
      (change) => change.at >= since && nameKey(change.object) === nameKey(object),
    );
    const all = [
      ...own.reverse(),
      ...stored.map((change) => ({ ...change, detail: change.detail(), bodySnapshot: null })),
    ];
    return [...new Map(all.map((change) => [change.seq, change])).values()];
  }

  /** The acts of one subresource on an object since a moment (ms), oldest first. */
  async acts(object: ObjectRef, subresource: string, since: number): Promise<number[]> {
    const key = headKey(object);
    const own = [...this.memory.waiting, ...this.changes].filter(
      (change) => change.effect === 'none' && change.subresource === subresource && headKey(change.object) === key,
    );
    const stored = await this.store.acts(object, subresource, RECENT_ACTS);
    // A commit may have ended meanwhile: then they are in both.
    const seqs = [...stored.reverse(), ...own].filter((change) => change.at >= since).map((change) => change.seq);
    return [...new Set(seqs)];
  }
}

/** A change with what the API server made of it, as the store gives it. */
function amended(change: NewChange, amendment: Amendment): NewChange {
  const { bodySnapshot, detail } = change;
  return {
    ...change,
    hash: amendment.hash,
    apiVersion: amendment.apiVersion,
    bodySnapshot: bodySnapshot === null ? null : applyPatch(bodySnapshot, amendment.patch),
    detail: { ...detail, patch: [...detail.patch, ...amendment.patch] },
  };
}

/** Enough to see that there is more than one. */
const RECENT_ACTS = 5;
