import { applyPatch } from '../../../../shared/patch.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { decodeAmendment, decodeBody, patchOf } from '../../content/payload.ts';
import type { Statements } from '../database/statements.ts';

interface Row {
  parent: number | null;
  detail: Buffer;
  body: Buffer | null;
  amendment: Buffer | null;
}

const ROW = `SELECT c.parent, c.detail, k.body,
  (SELECT amendment FROM outcomes WHERE seq = c.seq AND amendment IS NOT NULL) AS amendment
  FROM changes c LEFT JOIN checkpoints k ON k.seq = c.seq WHERE c.seq = ?`;

/** An object's body after a change, as shared/reconstruct.ts rebuilds it, within a transaction; null after a removal. */
export function bodyAt(db: Statements, seq: number): JsonObject | null {
  const patches = [];
  let body: JsonObject | null = null;
  for (let at: number | null = seq; at !== null;) {
    const row: Row | null = db.get<Row>(ROW, at);
    if (row === null) throw new Error(`change ${at}, which change ${seq} builds on, is not there`);
    if (row.body !== null) {
      body = decodeBody(row.body);
      if (row.amendment !== null) body = applyPatch(body, decodeAmendment(row.amendment).patch);
      break;
    }
    patches.push(patchOf(row));
    at = row.parent;
  }
  return patches.reduceRight((state, patch) => applyPatch(state, patch), body);
}
