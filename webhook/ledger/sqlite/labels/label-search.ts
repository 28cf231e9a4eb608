import { matchesSelector, type Requirement } from '../../../../shared/selector.ts';
import { NO_LABELS, placeOf, placesOfKey, readLabels } from '../../content/labels.ts';
import type { ObjectFilter } from '../../port/port.ts';
import { objectConditions, where } from '../read/filter.ts';
import { LABELS_AT } from '../write/label-writer.ts';
import { MAX_STREAMS, type Stream } from '../read/newest.ts';
import { LIMIT, type Statements } from '../database/statements.ts';

/** A stretch of an object's changes with the same labels: from a change on, up to before the next that has others. */
const STRETCH = `c.object_id AS id, c.labels_id AS labels, c.seq AS "from", (SELECT min(n.seq) FROM changes n
  WHERE n.object_id = c.object_id AND n.seq > c.seq AND n.labels_id IS NOT NULL) AS until`;

interface Stretch {
  id: number;
  labels: number;
  from: number;
  until: number | null;
}

/**
 * Finds changes by the labels that their objects had. Labels seldom change: the ledger has a row of its index for each
 * stretch of an object's changes with the same ones, not for each change.
 */
export class LabelSearch {
  constructor(private readonly statements: Statements) {}

  /** The sets of labels that a selector matches. */
  sets(selector: readonly Requirement[]): LabelSets {
    let candidates: Set<number> | undefined;
    for (const { key, operator, values } of selector) {
      if (operator === 'notin' || operator === 'absent') continue;
      const { from, to } = placesOfKey(key);
      const rows =
        operator === 'in'
          ? values.flatMap((value) =>
              this.ids('SELECT set_id AS id FROM label_index WHERE place = ?', placeOf(key, value)),
            )
          : this.ids('SELECT set_id AS id FROM label_index WHERE place >= ? AND place <= ?', from, to);
      const known = candidates;
      candidates = new Set(rows.filter((id) => known?.has(id) ?? true));
    }
    candidates ??= new Set(this.ids('SELECT id FROM label_sets'));
    return new LabelSets(candidates, selector, (id) => {
      const row = this.statements.get<{ labels: string }>('SELECT labels FROM label_sets WHERE id = ?', id);
      return row?.labels ?? NO_LABELS;
    });
  }

  /** True where a change's object had one of some sets of labels. */
  had(sets: LabelSets, objectId: number, seq: number): boolean {
    const row = this.statements.get<{ labels_id: number }>(LABELS_AT, objectId, seq);
    return row !== null && sets.has(row.labels_id);
  }

  /**
   * All changes of some objects with some sets of labels; null where they are so many, and of so many objects, that
   * looking at each change costs less.
   */
  streams(sets: LabelSets, filter: ObjectFilter, most = MAX_STREAMS): Stream[] | null {
    const objects = this.objects(filter, most);
    const { candidates } = sets;
    const fewObjects = objects !== null && objects.length < candidates.length;
    const streams = fewObjects ? this.byObject(objects, sets, most) : this.bySet(candidates, sets, filter, most);
    if (streams !== null) return streams;
    if (objects !== null && !fewObjects) return this.byObject(objects, sets, most);
    // Of what the index finds, much may not match: of all sets, where a selector says only what must not be.
    const matching = candidates.filter((id) => sets.has(id));
    return matching.length < candidates.length ? this.bySet(matching, sets, filter, most) : null;
  }

  private bySet(ids: readonly number[], sets: LabelSets, filter: ObjectFilter, most: number): Stream[] | null {
    const stretches = this.statements.all<Stretch>(
      `SELECT ${STRETCH} FROM changes c WHERE c.labels_id IN (SELECT value FROM json_each(?)) ${LIMIT}`,
      JSON.stringify(ids),
      most + 1,
    );
    if (stretches.length > most) return null;
    const conditions = objectConditions(filter);
    if (conditions.length === 0) return streamsOf(stretches, sets);
    const { sql, values } = where(conditions);
    const objects = JSON.stringify([...new Set(stretches.map(({ id }) => id))]);
    const inScope = new Set(
      this.ids(`SELECT o.id FROM json_each(?) j CROSS JOIN objects o ON o.id = j.value ${sql}`, objects, ...values),
    );
    return streamsOf(
      stretches.filter(({ id }) => inScope.has(id)),
      sets,
    );
  }

  private byObject(objects: readonly number[], sets: LabelSets, most: number): Stream[] | null {
    const stretches = this.statements.all<Stretch>(
      `SELECT ${STRETCH} FROM json_each(?) j CROSS JOIN changes c ON c.object_id = j.value AND c.labels_id IS NOT NULL`,
      JSON.stringify(objects),
    );
    const streams = streamsOf(stretches, sets);
    return streams.length > most ? null : streams;
  }

  /** The objects that a filter narrows to; null where it does not, or to too many. */
  private objects(filter: ObjectFilter, most: number): number[] | null {
    const conditions = objectConditions(filter);
    if (conditions.length === 0) return null;
    const { sql, values } = where(conditions);
    const objects = this.ids(`SELECT o.id FROM objects o ${sql} ${LIMIT}`, ...values, most + 1);
    return objects.length > most ? null : objects;
  }

  private ids(sql: string, ...values: unknown[]): number[] {
    return this.statements.all<{ id: number }>(sql, ...values).map(({ id }) => id);
  }
}

/** The sets of labels that match a selector. Each of those that the index finds is read when it is asked for. */
class LabelSets {
  private readonly matching = new Map<number, boolean>();

  constructor(
    private readonly found: ReadonlySet<number>,
    private readonly selector: readonly Requirement[],
    private readonly textOf: (id: number) => string,
  ) {}

  get candidates(): number[] {
    return [...this.found];
  }

  has(id: number): boolean {
    let matches = this.matching.get(id);
    if (matches === undefined) {
      matches = this.found.has(id) && matchesSelector(this.selector, readLabels(this.textOf(id)));
      this.matching.set(id, matches);
    }
    return matches;
  }
}

function streamsOf(stretches: readonly Stretch[], sets: LabelSets): Stream[] {
  return stretches
    .filter(({ labels }) => sets.has(labels))
    .map(({ id, from, until }) => ({
      ...{ column: 'object_id', id, from },
      to: until === null ? Number.MAX_SAFE_INTEGER : until - 1,
    }));
}
