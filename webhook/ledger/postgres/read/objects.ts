import type { ObjectRef } from '../../../../shared/types.ts';
import type { ObjectFilter, StoredObject } from '../../port/port.ts';
import { EFFECT_MASK } from '../../sqlite/database/codes.ts';
import { LOOKED_AT_ONCE, mayExistAfter, type NewestRow } from '../../sqlite/read/objects.ts';
import { objectConditions } from './filter.ts';
import { SELECT_OBJECT } from './names.ts';
import { where, type Statements } from './statements.ts';

/** Of each of some objects the newest change with a body, and its outcome. */
const NEWEST = `SELECT i.id, c.kind, c.parent, c.outcome FROM unnest(?::bigint[]) i (id) CROSS JOIN LATERAL (
  SELECT n.kind, n.parent, (SELECT outcome FROM outcomes WHERE ledger = :ledger AND seq = n.seq ORDER BY commit_id DESC, n DESC LIMIT 1) AS outcome
    FROM changes n WHERE n.ledger = :ledger AND n.object_id = i.id AND (n.kind & ${EFFECT_MASK}) > 0 ORDER BY n.seq DESC LIMIT 1) c`;

/** Looks up objects of one ledger. */
export class Objects {
  constructor(private readonly statements: Statements) {}

  /** By group, resource, namespace, name and age, from the one after `after` on. */
  async list(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]> {
    const conditions = objectConditions(filter);
    if (after !== undefined) {
      const last = await this.statements.get<StoredObject>(`${SELECT_OBJECT} AND o.id = ?`, after);
      if (last === null) return [];
      const values = [last.group, last.resource, last.namespace, last.name, last.id];
      conditions.push({ sql: '(r.api_group, r.resource, t.value, o.name, o.id) > (?, ?, ?, ?, ?)', values });
    }
    const { sql, values } = where(conditions);
    const order = 'ORDER BY r.api_group, r.resource, t.value, o.name, o.id LIMIT ?';
    return this.statements.all<StoredObject>(`${SELECT_OBJECT}${sql} ${order}`, ...values, limit);
  }

  /** LedgerStore.mayExist. */
  async mayExist(filter: ObjectFilter, after?: number): Promise<{ objects: StoredObject[]; next: number | null }> {
    const page = await this.list(filter, LOOKED_AT_ONCE, after);
    const rows = await this.statements.all<NewestRow & { id: number }>(
      NEWEST,
      page.map(({ id }) => id),
    );
    const newest = new Map(rows.map((row) => [row.id, row]));
    const objects = page.filter(({ id }) => {
      const row = newest.get(id);
      return row !== undefined && mayExistAfter(row);
    });
    return { objects, next: page.length < LOOKED_AT_ONCE ? null : (page.at(-1)?.id ?? null) };
  }

  /** An object's incarnations, by name, the newest first. */
  incarnations({ group, resource, namespace, name }: Omit<ObjectRef, 'uid' | 'kind'>): Promise<StoredObject[]> {
    const { sql, values } = where(objectConditions({ type: { group, resource }, namespace, names: [name] }));
    return this.statements.all<StoredObject>(`${SELECT_OBJECT}${sql} ORDER BY o.id DESC`, ...values);
  }
}
