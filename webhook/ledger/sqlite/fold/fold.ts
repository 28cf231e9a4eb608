import { placesOf } from '../../content/labels.ts';
import { COVERAGE_EVENTS } from '../../port/port.ts';
import { mattersForSecurity, type Kind } from '../../retention/security.ts';
import type { Appender, BegunFold } from '../write/append.ts';
import type { ChainedFold } from '../chain/chain.ts';
import { COVERAGE, KINDS, newestFold } from '../chain/chained-rows.ts';
import type { CommitRow, CoverageRow, KindRow } from '../chain/chained-rows.ts';
import { decodeFacts } from '../database/codes.ts';
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
  /** The last of them. */
  seq: number;
  /** Those whose changes were kept for security, or may have been. */
  objects: ReadonlySet<number>;
}

/** Rolls a fold back that had nothing to do. */
class NothingRemoved extends Error {}

/** Folds a ledger, step by step. */
export class Folder {
  private readonly statements: Statements;
  /** Of what remains, the changes up to here have been looked at: what matters for security, and is too old by now. */
  private lookedUpTo = 0;
  private removedSinceSweep = 0;
  private sweep: TextSweep | null = null;

  constructor(
    private readonly db: Sqlite,
    private readonly appender: Appender,
  ) {
    this.statements = new Statements(db);
  }

  /**
   * One step: the oldest commits that ended before the moment; where there are none, what remains of those before and is not
   * kept for security any more; then texts that nothing refers to. null where there is nothing to do. The newest change always stays. All or
   * nothing. Throws ledger-damaged where what would be removed is not what was recorded: evidence of that is not thrown away.
   */
  fold({ before, securityBefore = before, now }: FoldRequest): FoldResult | null {
    const { db } = this;
    const last = newestFold(db);
    const through = horizon(db, last, before);
    // A removed change would be looked for as a parent among all others; foreign_key_check and the tests do it instead.
    db.pragma('foreign_keys = OFF');
    try {
      if (through !== null) {
        const sound = soundRows(db, last, through);
        return this.transaction(() => this.foldThrough(last, through, sound, securityBefore, now));
      }
      if (last === null) return null;
      const old = this.nextRemaining(last, Math.min(before, securityBefore));
      if (old !== null) return this.foldRemaining(last, old, securityBefore, now);
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
    securityBefore: number,
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
      securityBefore,
    };
    return this.record(last, begun, span, touched, now, (remains) => {
      this.trimCoverage(span, remains);
      for (const row of statements.all<KindRow>(KINDS, span.from.commit, through.id)) remains.kind(row, 1);
      statements.run('DELETE FROM commits WHERE id <= ?', through.id);
      statements.run('DELETE FROM folds WHERE commit_id <= ?', through.id);
      statements.run('DELETE FROM late_outcomes WHERE commit_id <= ?', through.id);
    });
  }

  /**
   * Of the next changes that remain, the objects whose changes matter for security; and the last of them. null where all before a
   * moment (ms) have been looked at.
   */
  private nextRemaining(last: ChainedFold, before: number): Remaining | null {
    const rows = this.statements.all<Kind & { seq: number; object: number; kind: number }>(
      `SELECT c.seq, c.object_id AS object, c.kind, r.api_group AS "group", r.resource, t.value AS subresource FROM changes c
        JOIN objects o ON o.id = c.object_id JOIN resources r ON r.id = o.resource_id JOIN texts t ON t.id = c.subresource_id
        WHERE c.seq > ? AND c.seq <= ? AND c.at < ? ORDER BY c.seq LIMIT ${CHANGES_AT_ONCE}`,
      ...[this.lookedUpTo, last.throughSeq, Math.min(before, Number.MAX_SAFE_INTEGER)],
    );
    const seq = rows.at(-1)?.seq;
    if (seq === undefined) return null;
    const kept = rows.filter((row) => mattersForSecurity({ ...row, operation: decodeFacts(row.kind).operation }));
    return { seq, objects: new Set(kept.map(({ object }) => object)) };
  }

  private foldRemaining(
    last: ChainedFold,
    { seq, objects }: Remaining,
    securityBefore: number,
    now: number,
  ): FoldResult {
    const { throughCommit, throughSeq, horizonAt, chain, tree } = last;
    const place = { commit: throughCommit, seq: throughSeq };
    const begun = { throughCommit, throughSeq, horizonAt, chain, tree };
    const span = { from: place, through: place, securityBefore };
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
    this.lookedUpTo = seq;
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
      this.lookedUpTo = Math.min(this.lookedUpTo, keep.firstForSecurity - 1);
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
