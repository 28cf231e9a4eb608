import type { Written } from '../../retention/floods.ts';
import { LIMIT, type Statements } from '../database/statements.ts';

/**
 * What a change takes besides its patch and body, in bytes, with its object, its outcome and the indexes: some more than was measured, so
 * that an error is to the cost of who writes much.
 */
const ROW_BYTES = 512;

/** The changes of users after one, oldest first, each with the bytes that it takes. Of patches and bodies it reads only how long they are. */
export function writtenAfter(db: Statements, seq: number, limit: number): Written[] {
  return db.all<Written>(
    `SELECT c.seq, c.at, a.username, ${ROW_BYTES} + length(c.detail)
      + coalesce((SELECT length(body) FROM checkpoints WHERE seq = c.seq), 0) AS bytes
      FROM changes c JOIN actors a ON a.id = c.actor_id WHERE c.seq > ? ORDER BY c.seq ${LIMIT}`,
    seq,
    limit,
  );
}
