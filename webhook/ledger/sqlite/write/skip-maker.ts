import { joinTouched, touchedBy, type Touched } from '../../../../shared/touched.ts';
import type { JsonObject, Patch } from '../../../../shared/types.ts';
import { patchOf } from '../../content/payload.ts';
import type { Skip } from '../../port/port.ts';
import type { Sqlite } from '../database/open.ts';
import { LINE } from '../read/lineage.ts';
import { decodeSkips, NO_SKIPS, withAmendment, type Skips } from '../read/skips.ts';

/*
 * Beside every whole body of a line it is stored what the changes since the last one touched; beside every eighth, what
 * those since the eighth before it did; and so on. So whoever goes back for who set something leaves out, with a few
 * rows read, whatever did not touch it. docs/decisions/0027.
 */

/** So many stretches are joined to a longer one. */
const JOINED = 8;

interface LineRow {
  seq: number;
  detail: Buffer;
  amendment: Buffer | null;
}

/** Makes the skips of changes with a whole body beside them. */
export class SkipMaker {
  private readonly line;
  private readonly stored;

  constructor(db: Sqlite) {
    this.line = db.prepare<[number], LineRow>(LINE);
    this.stored = db.prepare<[number], { skips: Buffer; amendment: Buffer | null }>(
      `SELECT skips, (SELECT amendment FROM outcomes WHERE seq = k.seq AND amendment IS NOT NULL) AS amendment
        FROM checkpoints k WHERE seq = ?`,
    );
  }

  /** Of a change that builds on `parent`, which is in the ledger, and has a whole body beside it. */
  of(parent: number, patch: Patch, body: JsonObject): Skips {
    const line = this.line.all(parent);
    const oldest = line.pop();
    if (oldest === undefined) return NO_SKIPS;
    const patches = [patch, ...line.map(patchOf)];
    const own = patches.map((one) => touchedBy(one, body)).reduce(joinTouched, new Map<string, Touched>());
    const place = (this.at(oldest.seq)?.place ?? 0) + 1;
    const skips: Skip[] = [];
    let next: Skip | null = { to: oldest.seq, touched: own };
    for (let rest = place; next !== null; rest /= JOINED) {
      skips.push(next);
      if (rest % JOINED !== 0) break;
      next = this.joined(next, skips.length - 1);
    }
    return { place, skips };
  }

  /** A stretch, and those before it of the same length; null where they were folded. */
  private joined({ to, touched }: Skip, level: number): Skip | null {
    for (let count = 1; count < JOINED; count++) {
      const before = this.at(to)?.skips[level];
      if (before === undefined) return null;
      [to, touched] = [before.to, joinTouched(touched, before.touched)];
    }
    return { to, touched };
  }

  private at(seq: number): Skips | null {
    const stored = this.stored.get(seq);
    if (stored === undefined) return null;
    const { place, skips } = decodeSkips(stored.skips);
    return { place, skips: withAmendment(skips, stored.amendment) };
  }
}
