import { isControlPlane } from '../../../../shared/machines.ts';
import { apiVersionOf } from '../../../../shared/normalise.ts';
import { hashBody } from '../../../../shared/patch.ts';
import { mattersForSecurity } from '../../retention/security.ts';
import { compress, detailText } from '../../content/payload.ts';
import { bodyAt } from './body.ts';
import type { ChainedChange } from '../chain/chain.ts';
import { CHANGE_AT, OUTCOMES_OF, type OutcomeRow } from '../chain/chained-rows.ts';
import { decodeFacts, encodeFacts } from '../database/codes.ts';
import type { SetHash } from '../chain/set-hash.ts';
import type { Statements } from '../database/statements.ts';

const COMMITTED = 1;
const DROPPED = 2;

/**
 * Of one object so many changes are kept for each reason, the newest: a fold reads all that is kept of the objects that it
 * touches.
 */
const KEPT_OF_OBJECT = 500;
/** Of an object that others have changed too, so many changes of users who flood the ledger are kept, the newest: they may be what the flood is to hide. */
const KEPT_OF_FLOOD = 20;

/** A place in the ledger: a commit, and the last change up to it. */
export interface Place {
  commit: number;
  seq: number;
}

/** What one fold does. */
export interface FoldSpan {
  /** Where the fold before ended. */
  from: Place;
  /** Where this one ends; the same where it only gives up more of what remains. */
  through: Place;
  /** Changes that matter for security are kept from this moment on (ms). */
  securityBefore: number;
  /** Changes of others than those who flood the ledger are kept from this moment on (ms); Infinity keeps none for that. */
  othersBefore: number;
  /** Users who flood the ledger. */
  floods: ReadonlySet<string>;
}

/** A change of an object, up to where the fold goes. */
interface Row {
  seq: number;
  at: number;
  kind: number;
  parent: number | null;
  outcome: number | null;
  actor: number | null;
  username: string | null;
  subresource: string;
  labels: number | null;
  /** 1 where a later change forks from it, or a later commit tells its outcome. */
  needed: 0 | 1;
}

interface Type {
  group: string;
  resource: string;
}

/** What a row that was removed or rebased referred to. */
export interface GivenUp {
  actors: Set<number>;
  labels: Set<number>;
}

/** Decides what of an object stays when the history up to a place is folded, and removes the rest. */
export class Keep {
  readonly givenUp: GivenUp = { actors: new Set(), labels: new Set() };
  /** The first change that was kept for security. */
  firstForSecurity = Infinity;
  /** The first change that was kept because it is not of those who flood the ledger. */
  firstOfOthers = Infinity;

  constructor(
    private readonly db: Statements,
    private readonly span: FoldSpan,
    /** Over what remains: rows are taken out of it and put into it as they are. */
    private readonly remains: SetHash,
  ) {}

  /** Returns how many changes were removed. */
  apply(object: number): number {
    const { db, span } = this;
    const rows = db.all<Row>(
      `SELECT c.seq, c.at, c.kind, c.parent, x.outcome, c.actor_id AS actor, a.username, t.value AS subresource, c.labels_id AS labels,
        EXISTS (SELECT 1 FROM forks WHERE parent = c.seq AND seq > ?)
        OR EXISTS (SELECT 1 FROM outcomes WHERE seq = c.seq AND commit_id > ?) AS needed
        FROM changes c JOIN texts t ON t.id = c.subresource_id LEFT JOIN actors a ON a.id = c.actor_id LEFT JOIN outcomes x
        ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)
        WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq`,
      ...[span.through.seq, span.through.commit, object, span.through.seq],
    );
    const kept = this.choose(object, rows);
    // A kept change shows what it changed only where the state before it is there: that one begins the history now.
    const parents = rows.flatMap(({ seq, parent }) => (kept.has(seq) && parent !== null ? [parent] : []));
    const bases = new Set(parents.filter((parent) => !kept.has(parent)));
    const relabelled = relabel(rows, (seq) => kept.has(seq) || bases.has(seq));

    const goes = (seq: number): boolean => !kept.has(seq) && !bases.has(seq);
    const isAltered = ({ seq, parent }: Row): boolean =>
      goes(seq) || relabelled.has(seq) || (bases.has(seq) && !this.isBase(seq, parent));
    const altered = new Set(rows.filter(isAltered).map(({ seq }) => seq));
    for (const seq of altered) if (seq <= span.from.seq) this.takeOut(seq);
    for (const [seq, labels] of relabelled) db.run('UPDATE changes SET labels_id = ? WHERE seq = ?', labels, seq);
    for (const seq of bases) if (altered.has(seq)) this.rebase(seq);
    const removed = rows.filter(({ seq }) => goes(seq));
    for (const { seq } of removed) {
      this.removeBeside(seq);
      db.run('DELETE FROM changes WHERE seq = ?', seq);
    }
    for (const { seq } of rows) {
      if (goes(seq)) continue;
      if (seq > span.from.seq || altered.has(seq)) this.putIn(seq, 0);
      // It remained before; what this fold has come to of its outcomes is new.
      else this.putInOutcomes(seq, span.from.commit);
    }
    for (const { seq, actor, labels } of rows) {
      if (kept.has(seq)) continue;
      if (actor !== null) this.givenUp.actors.add(actor);
      if (labels !== null) this.givenUp.labels.add(labels);
    }
    return removed.length;
  }

  private choose(object: number, rows: readonly Row[]): Set<number> {
    const kept = new Set<number>();
    // What it was then: its last committed version, and the attempts since. Of one that had ended, nothing.
    for (const { seq, kind, outcome } of [...rows].reverse()) {
      const { effect, source, late } = decodeFacts(kind);
      const known = outcome ?? (source === 'admission' ? null : COMMITTED);
      if (effect === 'none' || late || known === DROPPED) continue;
      if (known === COMMITTED && effect === 'deleted') break;
      kept.add(seq);
      if (known === COMMITTED) break;
    }
    for (const seq of this.builtOn(object, rows)) kept.add(seq);
    for (const seq of this.forSecurity(object, rows)) kept.add(seq);
    for (const seq of this.ofOthers(rows)) kept.add(seq);
    for (const seq of this.lastLabels(object, rows, kept)) kept.add(seq);
    return kept;
  }

  /** What a later change builds on, and what a later commit tells the outcome of. */
  private builtOn(object: number, rows: readonly Row[]): number[] {
    // The first later one builds on one of these, if any; those after it only where they are listed as forks.
    const next = this.db.get<{ parent: number | null }>(
      'SELECT parent FROM changes WHERE object_id = ? AND seq > ? ORDER BY seq LIMIT 1',
      object,
      this.span.through.seq,
    );
    return rows.filter(({ seq, needed }) => needed === 1 || seq === next?.parent).map(({ seq }) => seq);
  }

  private forSecurity(object: number, rows: readonly Row[]): number[] {
    const type = this.db.get<Type>(
      'SELECT r.api_group AS "group", r.resource FROM objects o JOIN resources r ON r.id = o.resource_id WHERE o.id = ?',
      object,
    );
    if (type === null) return [];
    // Whoever may create objects could fill the ledger with Secrets of their own.
    if (type.resource === 'secrets' && this.isOfFloodAlone(rows)) return [];
    const matters = ({ at, kind, outcome, subresource }: Row): boolean => {
      const { operation, source } = decodeFacts(kind);
      // What the API server did not persist, and what nobody did, are like any other change.
      if (at < this.span.securityBefore || outcome === DROPPED || source === 'baseline') return false;
      return mattersForSecurity({ ...type, subresource, operation });
    };
    const newest = rows.filter(matters).slice(-KEPT_OF_OBJECT);
    this.firstForSecurity = Math.min(this.firstForSecurity, newest[0]?.seq ?? Infinity);
    return newest.map(({ seq }) => seq);
  }

  /** Whether an object is of users who flood the ledger alone, as far as its changes tell. The cluster's own controllers do not count. */
  private isOfFloodAlone(rows: readonly Row[]): boolean {
    const { floods } = this.span;
    // Before one that begins with what was seen there may have been others.
    if (floods.size === 0 || rows[0]?.username === null) return false;
    return rows.every(({ username: user }) => user === null || floods.has(user) || isControlPlane(user));
  }

  /** What users who do not flood the ledger did, what was seen of it, and the last that those who flood it did to the same object. */
  private ofOthers(rows: readonly Row[]): number[] {
    const { othersBefore, floods } = this.span;
    if (othersBefore === Infinity || this.isOfFloodAlone(rows)) return [];
    const isKept = (row: Row): boolean => {
      if (row.at < othersBefore) return false;
      if (row.username !== null) return !floods.has(row.username);
      // A beginning is kept where something builds on it.
      return decodeFacts(row.kind).source === 'watch';
    };
    const others = rows.filter(isKept).slice(-KEPT_OF_OBJECT);
    const theirs = rows.filter(({ username }) => username !== null && floods.has(username)).slice(-KEPT_OF_FLOOD);
    const kept = [...others, ...theirs].map(({ seq }) => seq);
    this.firstOfOthers = Math.min(this.firstOfOthers, ...kept);
    return kept;
  }

  /** The change to keep so that a later one, which says nothing of its labels, still has those that it had. */
  private lastLabels(object: number, rows: readonly Row[], kept: ReadonlySet<number>): number[] {
    const sql = 'SELECT labels_id AS labels FROM changes WHERE object_id = ? AND seq > ? ORDER BY seq LIMIT 1';
    const next = this.db.get<{ labels: number | null }>(sql, object, this.span.through.seq);
    const last = rows.at(-1);
    // There is none, or it begins with labels of its own.
    if (next?.labels !== null || last === undefined) return [];
    const since = rows.findLast(({ labels }) => labels !== null)?.seq ?? 0;
    return [...kept].some((seq) => seq >= since) ? [] : [last.seq];
  }

  /** Whether a change is a beginning already, as `rebase` makes it. */
  private isBase(seq: number, parent: number | null): boolean {
    if (parent !== null || seq > this.span.from.seq) return false;
    const row = this.db.get<{ kind: number; actor: number | null }>(
      'SELECT kind, actor_id AS actor FROM changes WHERE seq = ?',
      seq,
    );
    return row?.actor === null && decodeFacts(row.kind).source === 'baseline';
  }

  /** Turns a change into a beginning: the whole body, as a fact, from nobody. Its time and version stay. */
  private rebase(seq: number): void {
    const { db } = this;
    const row = db.get<{ kind: number; version: string }>(
      `SELECT c.kind, coalesce((SELECT version FROM outcomes WHERE seq = c.seq AND version <> '' ORDER BY n DESC
        LIMIT 1), c.version) AS version FROM changes c WHERE c.seq = ?`,
      seq,
    );
    if (row === null) return;
    const body = bodyAt(db, seq);
    const { late } = decodeFacts(row.kind);
    const effect = body === null ? 'deleted' : 'created';
    const kind = encodeFacts({ operation: 'CREATE', source: 'baseline', effect, statusOnly: false, late });
    const patch = body === null ? [] : [{ op: 'add' as const, path: '', value: body }];
    const detail = compress(detailText({ patch, options: null, cause: null, notBefore: null, managersHint: [] }));
    const none = this.textId('');
    // With its amendment, if it has one; where its own body was not known, that is known now.
    db.run(
      `UPDATE changes SET kind = ?, actor_id = NULL, subresource_id = ?, manager_id = ?, api_version_id = ?, parent = NULL,
        base_version = '', version = ?, review_uid = '', hash = ?, detail = ? WHERE seq = ?`,
      ...[kind, none, none, this.textId(apiVersionOf(body)), row.version, hashBody(body), detail, seq],
    );
    this.removeBeside(seq);
  }

  private textId(text: string): number {
    this.db.run('INSERT OR IGNORE INTO texts (value) VALUES (?)', text);
    return this.db.get<{ id: number }>('SELECT id FROM texts WHERE value = ?', text)?.id ?? 0;
  }

  private removeBeside(seq: number): void {
    this.db.run('DELETE FROM checkpoints WHERE seq = ?', seq);
    this.db.run('DELETE FROM outcomes WHERE seq = ?', seq);
  }

  // What remains, as the chain sees it

  private takeOut(seq: number): void {
    const row = this.db.get<ChainedChange>(CHANGE_AT, seq);
    if (row !== null) this.remains.change(row, -1);
    for (const outcome of this.db.all<OutcomeRow>(OUTCOMES_OF, seq, this.span.from.commit)) {
      this.remains.outcome(outcome, -1);
    }
  }

  private putIn(seq: number, afterCommit: number): void {
    const row = this.db.get<ChainedChange>(CHANGE_AT, seq);
    if (row !== null) this.remains.change(row, 1);
    this.putInOutcomes(seq, afterCommit);
  }

  private putInOutcomes(seq: number, afterCommit: number): void {
    for (const outcome of this.db.all<OutcomeRow>(OUTCOMES_OF, seq, this.span.through.commit)) {
      if (outcome.commitId > afterCommit) this.remains.outcome(outcome, 1);
    }
  }
}

/** The labels that must be written to changes that stay, where those that they had began with a change that does not. */
function relabel(rows: readonly Row[], stays: (seq: number) => boolean): Map<number, number> {
  const relabelled = new Map<number, number>();
  let [labels, known]: [number | null, number | null] = [null, null];
  for (const row of rows) {
    labels = row.labels ?? labels;
    if (!stays(row.seq)) continue;
    if (row.labels === null && labels !== known && labels !== null) relabelled.set(row.seq, labels);
    known = labels;
  }
  return relabelled;
}
