import { setImmediate as breathe } from 'node:timers/promises';
import type { Requirement } from '../../../../shared/selector.ts';
import type { ChangeFilter, StoredChange } from '../../port/port.ts';
import type { Rows } from '../read/read.ts';
import type { LabelSearch } from './label-search.ts';

/** Changes whose labels are looked at before others have their turn. */
const LOOKED_AT_ONCE = 500;

/** Matching changes of objects that had these labels, newest first. `read`: runs what reads the database. */
export async function changesWithLabels(
  rows: Rows,
  search: LabelSearch,
  labels: readonly Requirement[],
  filter: ChangeFilter,
  limit: number,
  read: <T>(work: () => T) => Promise<T>,
): Promise<StoredChange[]> {
  const sets = await read(() => search.sets(labels));
  // Few changes are looked at one by one, as all are where too many match.
  const few = (filter.maxSeq ?? Number.MAX_SAFE_INTEGER) - (filter.minSeq ?? 0) < LOOKED_AT_ONCE;
  const streams = few ? null : await read(() => search.streams(sets, filter));
  if (streams !== null) return read(() => rows.changesOf(streams, filter, limit));
  const found: StoredChange[] = [];
  for (let page = filter; ;) {
    const last = await read(() => {
      const looked = rows.changes(page, LOOKED_AT_ONCE);
      for (const row of looked) {
        if (found.length < limit && search.had(sets, row.objectId, row.seq)) found.push(row);
      }
      return looked.length < LOOKED_AT_ONCE ? undefined : looked.at(-1);
    });
    if (last === undefined || found.length === limit) return found;
    page = { ...page, maxSeq: last.seq - 1 };
    // Reviews wait behind a long search otherwise.
    await breathe();
  }
}
