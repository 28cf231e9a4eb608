import { placesOf } from '../../content/labels.ts';
import { COVERAGE_EVENTS } from '../../port/port.ts';
import { mattersForSecurity, type Kind } from '../../retention/security.ts';
import type { Appender, BegunFold } from '../write/append.ts';
import type { ChainedFold } from '../chain/chain.ts';
import { COVERAGE, KINDS, newestFold } from '../chain/chained-rows.ts';
import type { CommitRow, CoverageRow, KindRow } from '../chain/chained-rows.ts';
import { decodeFacts, EFFECT_MASK } from '../database/codes.ts';
import { Keep, type FoldSpan, type GivenUp } from './fold-keep.ts';
import { CHANGES_AT_ONCE, edgeAfter, horizon, soundRows } from './fold-range.ts';
import { TextSweep } from './fold-texts.ts';
import type { Sqlite } from '../database/open.ts';
import { remainsAfter } from '../chain/remains.ts';
import type { SetHash } from '../chain/set-hash.ts';
import { Statements } from '../database/statements.ts';
import type { FoldRequest, FoldResult } from '../../retention/retention.ts';

/*
 * Folding: history before a horizon is given up, but not the state of anything that exists then, nor what a later change
 * builds on, nor, for longer, what matters for security. Of the commits up to the horizon the Merkle tree's edge and the last
 * hash remain, and what a fold leaves of their rows is hashed anew into the commit that records the fold
 * (docs/decisions/0022). A fold is done in steps, none of which costs more in a longer ledger (docs/decisions/0037).
 */

/** Some of the changes that remain. */
interface Remaining {
  /** The last of them, and its time (ms). */
  seq: number;
  at: number;
  /** Those of which more may have been kept than what they are now. */
  objects: ReadonlySet<number>;
}

/** What is kept besides what objects are. */
type Kept = Omit<FoldSpan, 'from' | 'through'>;

const NOBODY: ReadonlySet<string> = new Set();

/** Of what remains so many changes are looked at in a step, as long as none of them is to go. */
const LOOKED_AT_ONCE = 20 * CHANGES_AT_ONCE;

/** Rolls a fold back that had nothing to do. */
class NothingRemoved extends Error {}

/** Folds a ledger, step by step. */
export class Folder {
  private readonly statements: Statements;
  /** Of what remains, the changes up to here have been looked at: what matters for security, and is too old by now. */
  private lookedUpTo = 0;
  /** The same of what was kept because others were folded first. */
  private othersUpTo = 0;
  private removedSinceSweep = 0;
  private sweep: TextSweep | null = null;

  constructor(
    private readonly db: Sqlite,
    private readonly appender: Appender,
  ) {
    this.statements = new Statements(db);
  }

  /**
   * One step: what was kept of older history because only some users' changes were folded; then the oldest commits that ended
   * before the moment; then what remains of those before and is not kept for security any more; then texts that nothing refers to. With
   * `onlyOf`, the second of these alone. null where there is nothing to do. The newest change always stays. All or
   * nothing. Throws ledger-damaged where what would be removed is not what was recorded: evidence of that is not thrown away.
   */
  fold({ before, securityBefore = before, onlyOf, now }: FoldRequest): FoldResult | null {
    const { db } = this;
    const last = newestFold(db);
    // A removed change would be looked for as a parent among all others; foreign_key_check and the tests do it instead.
    db.pragma('foreign_keys = OFF');
    try {
      const others = last === null || onlyOf !== undefined ? null : this.nextOfOthers(last, before);
      if (last !== null && others !== null) {
        const keep = { securityBefore, othersBefore: others.at + 1, floods: NOBODY };
        const result = this.foldRemaining(last, others, keep, now);
        this.othersUpTo = others.seq;
        return result;
      }
      const through = horizon(db, last, before);
      if (through !== null) {
        const sound = soundRows(db, last, through);
        const keep = { securityBefore, othersBefore: onlyOf === undefined ? Infinity : 0, floods: new Set(onlyOf) };
        return this.transaction(() => this.foldThrough(last, through, sound, keep, now));
      }
      if (last === null || onlyOf !== undefined) return null;
      const old = this.nextRemaining(last, Math.min(before, securityBefore));
      if (old !== null) {
        const keep = { securityBefore, othersBefore: before, floods: NOBODY };
        const result = this.foldRemaining(last, old, keep, now);
        this.lookedUpTo = old.seq;
        return result;
      }
      return this.transaction(() => this.sweepTexts()) ? { removed: 0, horizonAt: last.horizonAt } : null;
    } finally {
      db.pragma('foreign_keys = ON');
      this.appender.forget();
    }
  }

  private transaction<T>(work: () => T): T {
    return this.db.transaction(work).immediate();
  }

  private foldThrough(
    last: ChainedFold | null,
    through: CommitRow,
    touched: ReadonlySet<number>,
    keep: Kept,
    now: number,
  ): FoldResult {
    const { db, statements } = this;
    const sql = 'SELECT at FROM changes WHERE seq <= ? ORDER BY seq DESC LIMIT 1';
    const at = statements.get<{ at: number }>(sql, through.lastSeq)?.at ?? 0;
    const begun: BegunFold = {
      throughCommit: through.id,
      throughSeq: through.lastSeq,
      horizonAt: Math.max(last?.horizonAt ?? 0, at),
      chain: through.hash,
      tree: edgeAfter(db, last, through.id),
    };
    const span: FoldSpan = {
      from: { commit: last?.throughCommit ?? 0, seq: last?.throughSeq ?? 0 },
      through: { commit: through.id, seq: through.lastSeq },
      ...keep,
    };
    return this.record(last, begun, span, touched, now, (remains) => {
      this.trimCoverage(span, remains);
      for (const row of statements.all<KindRow>(KINDS, span.from.commit, through.id)) remains.kind(row, 1);
      statements.run('DELETE FROM commits WHERE id <= ?', through.id);
      statements.run('DELETE FROM folds WHERE commit_id <= ?', through.id);
      statements.run('DELETE FROM late_outcomes WHERE commit_id <= ?', through.id);
      statements.run('DELETE FROM shortened WHERE commit_id <= ?', through.id);
    });
  }

  /**
   * Of the next changes that remain, the objects whose changes matter for security; and the last of them. null where all before a
   * moment (ms) have been looked at.
   */
  private nextRemaining(last: ChainedFold, before: number): Remaining | null {
    const rows = this.statements.all<Kind & { seq: number; at: number; object: number; kind: number }>(
      `SELECT c.seq, c.at, c.object_id AS object, c.kind, r.api_group AS "group", r.resource, t.value AS subresource FROM changes c
        JOIN objects o ON o.id = c.object_id JOIN resources r ON r.id = o.resource_id JOIN texts t ON t.id = c.subresource_id
        WHERE c.seq > ? AND c.seq <= ? AND c.at < ? ORDER BY c.seq LIMIT ${CHANGES_AT_ONCE}`,
      ...[this.lookedUpTo, last.throughSeq, Math.min(before, Number.MAX_SAFE_INTEGER)],
    );
    const newest = rows.at(-1);
    if (newest === undefined) return null;
    const kept = rows.filter((row) => mattersForSecurity({ ...row, operation: decodeFacts(row.kind).operation }));
    return { seq: newest.seq, at: newest.at, objects: new Set(kept.map(({ object }) => object)) };
  }

  /** The same of objects of which more remains than what they are now, and of acts. null where there are none before a moment (ms). */
  private nextOfOthers(last: ChainedFold, before: number): Remaining | null {
    const sql = `SELECT c.seq, c.at, c.object_id AS object, (c.kind & ${EFFECT_MASK}) = 0
      OR EXISTS (SELECT 1 FROM changes n WHERE n.object_id = c.object_id AND n.seq > c.seq AND n.seq <= ?) AS more
      FROM changes c WHERE c.seq > ? AND c.seq <= ? AND c.at < ? ORDER BY c.seq LIMIT ${CHANGES_AT_ONCE}`;
    const end = Math.min(before, Number.MAX_SAFE_INTEGER);
    for (let looked = 0, upTo = this.othersUpTo; ; looked += CHANGES_AT_ONCE) {
      const rows = this.statements.all<{ seq: number; at: number; object: number; more: 0 | 1 }>(
        sql,
        ...[last.throughSeq, upTo, last.throughSeq, end],
      );
      const newest = rows.at(-1);
      if (newest === undefined) {
        this.othersUpTo = upTo;
        return null;
      }
      const objects = new Set(rows.filter(({ more }) => more === 1).map(({ object }) => object));
      if (objects.size > 0 || looked >= LOOKED_AT_ONCE) return { seq: newest.seq, at: newest.at, objects };
      upTo = newest.seq;
    }
  }

  private foldRemaining(last: ChainedFold, { objects }: Remaining, keep: Kept, now: number): FoldResult {
    const { throughCommit, throughSeq, horizonAt, chain, tree } = last;
    const place = { commit: throughCommit, seq: throughSeq };
    const begun = { throughCommit, throughSeq, horizonAt, chain, tree };
    const span = { from: place, through: place, ...keep };
    let result: FoldResult = { removed: 0, horizonAt };
    const work = (): void => {
      result = this.record(last, begun, span, objects, now, () => undefined);
      // Not a commit each time that it finds only what objects are now.
      if (result.removed === 0) throw new NothingRemoved();
    };
    try {
      if (objects.size > 0) this.transaction(work);
    } catch (error) {
      if (!(error instanceof NothingRemoved)) throw error;
    }
    return result;
  }

  /** Records how far the horizon goes, does it, and records what is left. */
  private record(
    last: ChainedFold | null,
    begun: BegunFold,
    span: FoldSpan,
    touched: ReadonlySet<number>,
    now: number,
    more: (remains: SetHash) => void,
  ): FoldResult {
    const { db } = this;
    let removed = 0;
    // First it is recorded how far the horizon goes: the triggers let go of nothing else.
    this.appender.appendFold(begun, now, () => {
      const remains = remainsAfter(db, last);
      const keep = new Keep(this.statements, span, remains);
      for (const object of touched) removed += keep.apply(object);
      this.removeUnused(keep.givenUp, touched, last);
      // What is kept of what had remained before was looked at, or will be.
      if (span.through.seq > span.from.seq) {
        this.lookedUpTo = Math.min(this.lookedUpTo, keep.firstForSecurity - 1);
        this.othersUpTo = Math.min(this.othersUpTo, keep.firstOfOthers - 1);
      }
      more(remains);
      const maxId = (table: string): number =>
        this.statements.get<{ id: number | null }>(`SELECT max(id) AS id FROM ${table}`)?.id ?? 0;
      return {
        removed: (last?.removed ?? 0) + removed,
        lastObject: maxId('objects'),
        lastActor: maxId('actors'),
        lastText: maxId('texts'),
        remains: remains.bytes,
      };
    });
    this.removedSinceSweep += removed;
    return { removed, horizonAt: begun.horizonAt };
  }

  /** Of signs of life in a row the last one says it all: until then the server was alive. */
  private trimCoverage({ from, through }: FoldSpan, remains: SetHash): void {
    const { statements } = this;
    const alive = COVERAGE_EVENTS.indexOf('alive');
    const columns = 'SELECT id, commit_id AS commitId, at, event, detail FROM coverage';
    const rows = statements.all<CoverageRow>(COVERAGE, from.commit, through.commit);
    const [first, last] = [rows[0]?.id, rows.at(-1)?.id];
    if (first === undefined || last === undefined) return;
    const before = statements.get<CoverageRow>(`${columns} WHERE id < ? ORDER BY id DESC LIMIT 1`, first);
    const after = statements.get<CoverageRow>(`${columns} WHERE id > ? ORDER BY id LIMIT 1`, last);
    const all = [...(before === null ? [] : [before]), ...rows];
    for (const [index, row] of all.entries()) {
      const next = all[index + 1] ?? after;
      const goes = row.event === alive && next?.event === alive;
      if (goes) statements.run('DELETE FROM coverage WHERE id = ?', row.id);
      if (row === before && goes) remains.coverage(row, -1);
      if (row !== before && !goes) remains.coverage(row, 1);
    }
  }

  /** Objects, users and labels that nothing refers to any more, but the last of each: an id is never given twice. */
  private removeUnused({ actors, labels }: GivenUp, touched: ReadonlySet<number>, last: ChainedFold | null): void {
    const each = (ids: Iterable<number>, table: string, column: string): void => {
      const sql = `DELETE FROM ${table} AS t WHERE id = ? AND id < (SELECT max(id) FROM ${table})
        AND NOT EXISTS (SELECT 1 FROM changes WHERE ${column} = t.id)`;
      for (const id of ids) this.statements.run(sql, id);
    };
    // With those that the fold before spared for being the last.
    each(new Set([...touched, last?.lastObject ?? 0]), 'objects', 'object_id');
    each(new Set([...actors, last?.lastActor ?? 0]), 'actors', 'actor_id');
    this.removeLabels(labels);
  }

  /** Sets of labels that no change has any more, with what they are found by. */
  private removeLabels(sets: Iterable<number>): void {
    const { statements } = this;
    const sql = 'SELECT labels FROM label_sets WHERE id = ? AND NOT EXISTS (SELECT 1 FROM changes WHERE labels_id = ?)';
    for (const id of sets) {
      const set = statements.get<{ labels: string }>(sql, id, id);
      if (set === null) continue;
      for (const place of placesOf(set.labels)) {
        statements.run('DELETE FROM label_index WHERE place = ? AND set_id = ?', place, id);
      }
      statements.run('DELETE FROM label_sets WHERE id = ?', id);
    }
  }

  /** One step; false where there is nothing to do. A sweep begins when a quarter of what is left, or more, was removed. */
  private sweepTexts(): boolean {
    if (this.sweep === null) {
      const count = this.statements.get<{ n: number }>('SELECT count(*) AS n FROM (SELECT 1 FROM changes LIMIT ?)', 4 * this.removedSinceSweep + 1); // prettier-ignore
      if (this.removedSinceSweep === 0 || (count?.n ?? 0) > 4 * this.removedSinceSweep) return false;
      this.sweep = new TextSweep(this.statements);
    }
    if (!this.sweep.step()) {
      this.sweep = null;
      this.removedSinceSweep = 0;
    }
    return true;
  }
}
