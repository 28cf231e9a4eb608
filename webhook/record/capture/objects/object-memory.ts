import { LRUCache } from 'lru-cache';
import type { ManagedField } from '../../../../shared/normalise.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { LedgerStore, NewChange, NewOutcome } from '../../../ledger/port/port.ts';
import type { Batch } from '../recorder/batch.ts';
import type { RecordedTimes } from '../recorder/recorded-times.ts';
import type { Draft } from './draft.ts';
import { withIncarnations, type Memory, type Recent } from './memory.ts';
import { headKey, nameKey, versionOf, type ObjectHead } from './object-head.ts';
import type { ReplicasPaths } from './scale.ts';

/** Objects whose head is kept in memory, about 1 KiB each; the rest is read again. */
const HEADS = 10_000;
/**
 * Changes that are kept in memory, by the bytes of their reviews: the next review of an object mostly builds on one that
 * was added a moment ago, and need not read and unpack it. Their bodies share most of their parts.
 */
const RECENT_BYTES = 2 * 1024 * 1024;
/** Changes whose managedFields are kept in memory, some KiB each: who wrote a version is asked when it is settled. */
const MANAGED = 1_000;

/** What is remembered of objects between jobs; the ledger has the rest. */
export class ObjectMemory implements Memory {
  private readonly heads = new LRUCache<string, ObjectHead>({ max: HEADS });
  /**
   * Heads that jobs have left whose commit is still to come: of the commit that is on its way, and of the next. The store
   * would give what was before, so these are never put out.
   */
  private committingHeads = new Map<string, ObjectHead>();
  private newHeads = new Map<string, ObjectHead>();
  /** The incarnations of names that were asked for, the newest first. */
  private readonly names = new LRUCache<string, readonly ObjectRef[]>({ max: HEADS });
  private readonly recentChanges = new LRUCache<number, Recent>({ maxSize: RECENT_BYTES });
  private readonly managed = new LRUCache<number, readonly ManagedField[]>({ max: MANAGED });
  /** Of definitions that are not recorded, by name. */
  private readonly definitions = new Map<string, ReplicasPaths>();

  constructor(
    readonly store: LedgerStore,
    private readonly batch: Batch,
    private readonly times: RecordedTimes,
  ) {}

  get nextSeq(): number {
    return this.batch.nextSeq;
  }

  get at(): number {
    return this.times.now;
  }

  get waiting(): readonly NewChange[] {
    return this.batch.waiting;
  }

  get waitingOutcomes(): readonly NewOutcome[] {
    return this.batch.waitingOutcomes;
  }

  amendment(seq: number): Amendment | undefined {
    return this.batch.amendment(seq);
  }

  managedFields(seq: number): readonly ManagedField[] | undefined {
    return this.managed.get(seq);
  }

  recent(seq: number): Recent | undefined {
    return this.recentChanges.get(seq);
  }

  replicasPaths(definition: string): ReplicasPaths | undefined {
    return this.definitions.get(definition);
  }

  /** Remembers what a definition says that is not recorded; null where it is gone. */
  define(definition: string, paths: ReplicasPaths | null): void {
    if (paths === null) this.definitions.delete(definition);
    else this.definitions.set(definition, paths);
  }

  async head(object: ObjectRef): Promise<ObjectHead> {
    const key = headKey(object);
    const known = this.newHeads.get(key) ?? this.committingHeads.get(key) ?? this.heads.get(key);
    if (known !== undefined) return known;
    const isNew = !(await this.incarnations(object)).some(({ uid }) => uid === object.uid);
    const stored = isNew ? undefined : (await this.store.incarnations(object)).find(({ uid }) => uid === object.uid);
    const versions = stored === undefined ? [] : await this.store.tail(stored.id);
    const head = { object, versions: versions.map((change) => versionOf(change, change.outcome)), past: [] };
    this.heads.set(key, head);
    return head;
  }

  async incarnations(key: ObjectRef): Promise<readonly ObjectRef[]> {
    const name = nameKey(key);
    let known = this.names.get(name);
    if (known === undefined) {
      const stored = (await this.store.incarnations(key)).map(({ id: _, ...object }) => object);
      known = withIncarnations(stored, key, this.waiting);
      this.names.set(name, known);
    }
    return known;
  }

  /** Takes over what a job has left. `bytes`: of its review; 0 where it had none. */
  add(draft: Draft, bytes: number): void {
    for (const seq of draft.stale) this.recentChanges.delete(seq);
    // Without a size it is not known what it holds.
    if (bytes > 0) {
      for (const [index, change] of draft.changes.entries()) {
        // A late review is amended at once: the draft has it as it was asked for.
        if (draft.stale.has(change.seq)) continue;
        this.recentChanges.set(change.seq, { change, body: draft.bodies[index] ?? null }, { size: bytes });
      }
    }
    for (const { seq, source } of draft.changes) {
      const fields = source === 'admission' && bytes === 0 ? undefined : draft.fields.get(seq);
      if (fields !== undefined) this.managed.set(seq, fields);
    }
    for (const [key, head] of draft.heads) this.newHeads.set(key, head);
    for (const change of draft.changes) {
      const name = nameKey(change.object);
      const known = this.names.get(name);
      if (known !== undefined) this.names.set(name, withIncarnations(known, change.object, [change]));
    }
  }

  beginCommit(): void {
    this.committingHeads = this.newHeads;
    this.newHeads = new Map();
  }

  committed(): void {
    for (const [key, head] of this.committingHeads) this.heads.set(key, head);
    this.committingHeads = new Map();
  }

  /** Reads of the ledger all that it has, from now on. */
  forget(): void {
    const { heads, newHeads, committingHeads, names, recentChanges, managed } = this;
    for (const memory of [heads, newHeads, committingHeads, names, recentChanges, managed]) memory.clear();
  }
}
