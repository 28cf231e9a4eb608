import { matchesSelector, type Requirement } from '../../../shared/selector.ts';
import { readLabels } from '../labels.ts';
import type { ObjectFilter } from '../port.ts';
import { objectConditions, where } from './filter.ts';
import { LABELS_AT } from './label-writer.ts';
import type { Names } from './names.ts';
import { MAX_STREAMS, type Stream } from './newest.ts';
import { LIMIT, type Statements } from './statements.ts';

/** Sets that some change began. One look into the index for each, however many changes began it. */
const ALL_SETS = `WITH RECURSIVE found (id) AS (
  SELECT min(labels_id) FROM changes WHERE labels_id IS NOT NULL
  UNION ALL SELECT (SELECT min(labels_id) FROM changes WHERE labels_id > found.id) FROM found WHERE found.id IS NOT NULL)
  SELECT id FROM found WHERE id IS NOT NULL`;

/** A stretch of an object's changes with the same labels: from a change on, up to before the next that has others. */
const STRETCH = `c.object_id AS id, c.seq AS "from", (SELECT min(n.seq) FROM changes n
  WHERE n.object_id = c.object_id AND n.seq > c.seq AND n.labels_id IS NOT NULL) AS until`;

interface Stretch {
  id: number;
  from: number;
  until: number | null;
}

/**
 * Finds changes by the labels that their objects had. Labels seldom change: the ledger has a row of its index for each
 * stretch of an object's changes with the same ones, not for each change.
 */
export class LabelSearch {
  constructor(
    private readonly statements: Statements,
    private readonly names: Names,
  ) {}

  /** The sets of labels that a selector matches. */
  sets(selector: readonly Requirement[]): Set<number> {
    let found: Set<number> | undefined;
    for (const { key, operator, values } of selector) {
      if (operator === 'notin' || operator === 'absent') continue;
      const narrowed = operator === 'in' ? 'AND value IN (SELECT value FROM json_each(?))' : '';
      const rows = this.statements.all<{ id: number }>(
        `SELECT DISTINCT set_id AS id FROM labels WHERE key = ? ${narrowed}`,
        ...(operator === 'in' ? [key, JSON.stringify(values)] : [key]),
      );
      const known = found;
      found = new Set(rows.map(({ id }) => id).filter((id) => known?.has(id) ?? true));
    }
    const sets = found ?? new Set(this.statements.all<{ id: number }>(ALL_SETS).map(({ id }) => id));
    const rest = selector.filter(({ operator }) => operator !== 'in' && operator !== 'exists');
    if (rest.length === 0) return sets;
    return new Set([...sets].filter((id) => matchesSelector(rest, readLabels(this.names.text(id)))));
  }

  /** True where a change's object had one of some sets of labels. */
  had(sets: ReadonlySet<number>, objectId: number, seq: number): boolean {
    const row = this.statements.get<{ labels_id: number }>(LABELS_AT, objectId, seq);
    return row !== null && sets.has(row.labels_id);
  }

  /**
   * All changes of some objects with some sets of labels; null where they are so many, and of so many objects, that
   * looking at each change costs less.
   */
  streams(sets: ReadonlySet<number>, filter: ObjectFilter): Stream[] | null {
    const conditions = objectConditions(filter);
    const { sql, values } = where(conditions);
    const bySet = this.statements.all<Stretch>(
      `SELECT ${STRETCH} FROM changes c WHERE c.labels_id IN (SELECT value FROM json_each(?)) ${LIMIT}`,
      JSON.stringify([...sets]),
      MAX_STREAMS + 1,
    );
    if (bySet.length <= MAX_STREAMS) {
      if (conditions.length === 0) return bySet.map(toStream);
      const ids = JSON.stringify([...new Set(bySet.map(({ id }) => id))]);
      const inScope = this.ids(`FROM json_each(?) j CROSS JOIN objects o ON o.id = j.value ${sql}`, ids, ...values);
      return bySet.filter(({ id }) => inScope.has(id)).map(toStream);
    }
    if (conditions.length === 0) return null;
    const objects = this.ids(`FROM objects o ${sql} ${LIMIT}`, ...values, MAX_STREAMS + 1);
    if (objects.size > MAX_STREAMS) return null;
    const byObject = this.statements.all<Stretch & { labels: number }>(
      `SELECT ${STRETCH}, c.labels_id AS labels FROM json_each(?) j
        CROSS JOIN changes c ON c.object_id = j.value AND c.labels_id IS NOT NULL`,
      JSON.stringify([...objects]),
    );
    const streams = byObject.filter(({ labels }) => sets.has(labels)).map(toStream);
    return streams.length > MAX_STREAMS ? null : streams;
  }

  private ids(from: string, ...values: unknown[]): Set<number> {
    return new Set(this.statements.all<{ id: number }>(`SELECT o.id ${from}`, ...values).map(({ id }) => id));
  }
}

function toStream({ id, from, until }: Stretch): Stream {
  return { column: 'object_id', id, from, to: until === null ? Number.MAX_SAFE_INTEGER : until - 1 };
}
