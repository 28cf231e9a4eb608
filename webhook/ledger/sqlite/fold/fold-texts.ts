import type { Statements } from '../database/statements.ts';
import { LIMIT } from '../database/statements.ts';

/** Changes that one step reads: some ten milliseconds. */
const AT_ONCE = 20_000;

/**
 * Removes texts that nothing refers to any more. No index tells who refers to a text, because it would cost each change some
 * ten bytes; so all changes are read, in steps, and only when a good share of them has been folded since the last time. The
 * text with the highest id stays, so that an id is never given twice.
 */
export class TextSweep {
  private readonly used = new Set<number>();
  private seq = 0;

  constructor(private readonly db: Statements) {}

  /** One step, within a transaction. False when it is done. */
  step(): boolean {
    const rows = this.db.all<{ seq: number; subresource: number; manager: number; apiVersion: number }>(
      `SELECT seq, subresource_id AS subresource, manager_id AS manager, api_version_id AS apiVersion FROM changes
        WHERE seq > ? ORDER BY seq ${LIMIT}`,
      this.seq,
      AT_ONCE,
    );
    for (const { seq, subresource, manager, apiVersion } of rows) {
      for (const id of [subresource, manager, apiVersion]) this.used.add(id);
      this.seq = seq;
    }
    if (rows.length === AT_ONCE) return true;
    const texts = this.db.all<{ id: number }>('SELECT id FROM texts WHERE id < (SELECT max(id) FROM texts)');
    for (const { id } of texts) {
      if (this.used.has(id)) continue;
      this.db.run(
        'DELETE FROM texts WHERE id = ? AND NOT EXISTS (SELECT 1 FROM objects WHERE namespace_id = ?)',
        id,
        id,
      );
    }
    return false;
  }
}
