import { EFFECT_MASK } from '../database/codes.ts';
import type { Statements } from '../database/statements.ts';

/** Which changes are at which times. */
export class Moments {
  constructor(private readonly statements: Statements) {}

  last(): { seq: number; at: number } | null {
    return this.statements.get('SELECT seq, at FROM changes ORDER BY seq DESC LIMIT 1');
  }

  /** Of a ledger that was folded, the horizon: what remains from before it does not tell how things were then. */
  first(): { seq: number; at: number } | null {
    return (
      this.statements.get('SELECT through_seq AS seq, horizon_at AS at FROM folds ORDER BY through_seq DESC LIMIT 1') ??
      this.statements.get(
        `SELECT seq, min(at, coalesce((SELECT min(occurred_at) FROM changes WHERE occurred_at IS NOT NULL), at)) AS at
          FROM changes ORDER BY seq LIMIT 1`,
      )
    );
  }

  /** By bisection: `at` never falls as seq rises, so that it needs no index. Where changes were folded, seqs have gaps. */
  seqAt(at: number): number {
    let low = 0;
    let high = this.statements.get<{ seq: number | null }>('SELECT max(seq) AS seq FROM changes')?.seq ?? 0;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const row = this.statements.get<{ seq: number; at: number }>(
        'SELECT seq, at FROM changes WHERE seq >= ? ORDER BY seq LIMIT 1',
        middle,
      );
      if (row !== null && row.at <= at) low = row.seq;
      else high = middle - 1;
    }
    return low;
  }

  /** When an object was first and last changed; null where it never was. `withoutActs`: by what has a body. */
  lifetime(objectId: number, withoutActs: boolean): { firstAt: number; lastAt: number } | null {
    const row = this.statements.get<{ firstAt: number | null; lastAt: number | null }>(
      `SELECT min(coalesce(occurred_at, at)) AS firstAt, max(coalesce(occurred_at, at)) AS lastAt FROM changes
      WHERE object_id = ?${withoutActs ? ` AND (kind & ${EFFECT_MASK}) > 0` : ''}`,
      objectId,
    );
    return row === null || row.firstAt === null || row.lastAt === null
      ? null
      : { firstAt: row.firstAt, lastAt: row.lastAt };
  }
}
