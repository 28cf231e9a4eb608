import type { Sqlite } from '../../../ledger/sqlite/database/open.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';

/** Beyond every seq. A power of two, less one: see fork(). */
export const OPEN = 2 ** 40 - 1;

/** A stretch of seqs in which an object exists with the same facts. */
export interface Span {
  from: number;
  /** The first seq in which it is so no more; OPEN: until now. */
  until: number;
  /** The facts, by their number. */
  set: number;
  /** Whether anything has confirmed by then that the object exists. */
  confirmed: boolean;
}

/*
 * Which spans hold at a moment is asked of all objects at once, and what has ended long ago must cost nothing. Each span is kept at one
 * node of a binary tree over all seqs: the highest that lies in it. Those that hold at a moment are then at the nodes on the way down to
 * it, 40 of them, and at each is a beginning or an end of an index. (H.-P. Kriegel, M. Pötke, T. Seidl: Managing Intervals Efficiently in
 * Object-Relational Databases, VLDB 2000.)
 */
export const SPAN_TABLES = `
  CREATE TABLE spans (
    object_id INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    until_seq INTEGER NOT NULL,
    fork INTEGER NOT NULL,
    set_id INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    PRIMARY KEY (object_id, from_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX spans_by_from ON spans (fork, from_seq, set_id, confirmed);
  CREATE INDEX spans_by_until ON spans (fork, until_seq, set_id, confirmed);
`;

type Row = Omit<Span, 'confirmed'> & { confirmed: number };

/** What holds at a seq. */
export interface Holding {
  object: number;
  set: number;
  confirmed: number;
}

export class Spans {
  private readonly statements: Statements;

  constructor(db: Sqlite) {
    this.statements = new Statements(db);
  }

  /** Of all objects those spans that hold at a seq. */
  at(seq: number): Holding[] {
    const found: Holding[] = [];
    const columns = 'SELECT object_id AS object, set_id AS "set", confirmed FROM spans';
    for (let node = 2 ** 39, step = node / 2; ; step /= 2) {
      const sql =
        seq < node ? `${columns} WHERE fork = ? AND from_seq <= ?` : `${columns} WHERE fork = ? AND until_seq > ?`;
      for (const row of this.statements.all<Holding>(sql, node, seq)) found.push(row);
      if (seq === node || step < 1) return found;
      node += seq < node ? -step : step;
    }
  }

  /** An object's spans that hold at a seq or later, in their order. */
  from(object: number, seq: number): Span[] {
    const sql = `SELECT from_seq AS "from", until_seq AS until, set_id AS "set", confirmed FROM spans
      WHERE object_id = ? AND until_seq > ? ORDER BY from_seq`;
    return this.statements.all<Row>(sql, object, seq).map((row) => ({ ...row, confirmed: row.confirmed !== 0 }));
  }

  /** Puts spans in the place of others of the same object. */
  replace(object: number, old: readonly Span[], now: readonly Span[]): void {
    const kept = (spans: readonly Span[], span: Span): boolean => spans.some((other) => sameSpan(span, other));
    for (const span of old) {
      if (!kept(now, span))
        this.statements.run('DELETE FROM spans WHERE object_id = ? AND from_seq = ?', object, span.from);
    }
    for (const span of now) {
      if (kept(old, span)) continue;
      const { from, until, set, confirmed } = span;
      const sql =
        'INSERT INTO spans (object_id, from_seq, until_seq, fork, set_id, confirmed) VALUES (?, ?, ?, ?, ?, ?)';
      this.statements.run(sql, object, from, until, fork(from, until - 1), set, Number(confirmed));
    }
  }

  /** Gives up what ended at a seq or before. */
  forget(seq: number): void {
    this.statements.run('DELETE FROM spans WHERE until_seq <= ?', seq);
  }
}

function sameSpan(a: Span, b: Span): boolean {
  return a.from === b.from && a.until === b.until && a.set === b.set && a.confirmed === b.confirmed;
}

/** Of the numbers from one to another the one that the most powers of two divide: the highest node of the tree among them. */
export function fork(from: number, to: number): number {
  for (let power = 2 ** 39; power > 1; power /= 2) {
    const node = Math.floor(to / power) * power;
    if (node >= from) return node;
  }
  return to;
}
