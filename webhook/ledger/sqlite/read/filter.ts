import type { ChangeFilter, ObjectFilter } from '../../port/port.ts';
import { STATUS_ONLY_MASK } from '../database/codes.ts';
import { REFUSED } from '../database/schema.ts';

/*
 * The port's filters as SQL. `o` is a row of objects, `c` one of changes.
 */

export const NAMESPACE_ID = '(SELECT id FROM texts WHERE value = ?)';
export const RESOURCE_ID = '(SELECT id FROM resources WHERE api_group = ? AND resource = ?)';

/** SQL that narrows to some objects, and its parameters. */
export interface Condition {
  sql: string;
  values: unknown[];
}

export function objectConditions(filter: ObjectFilter): Condition[] {
  const conditions: Condition[] = [];
  if (filter.type !== undefined) {
    conditions.push({ sql: `o.resource_id = ${RESOURCE_ID}`, values: [filter.type.group, filter.type.resource] });
  }
  if (filter.names !== undefined) {
    conditions.push({ sql: `o.name IN (${filter.names.map(() => '?').join(', ')})`, values: filter.names });
  }
  if (filter.namePrefix !== undefined) {
    // As a range, which the index knows; no character comes after the last one of Unicode.
    const end = `${filter.namePrefix}\u{10ffff}`;
    conditions.push({ sql: 'o.name >= ? AND o.name < ?', values: [filter.namePrefix, end] });
  }
  if (filter.uid !== undefined) conditions.push({ sql: 'o.uid = ?', values: [filter.uid] });
  if (filter.within !== undefined) {
    const names = JSON.stringify(filter.within);
    conditions.push({
      sql: `(o.namespace_id IN (SELECT id FROM texts WHERE value IN (SELECT value FROM json_each(?)))
        OR (o.resource_id = ${RESOURCE_ID} AND o.name IN (SELECT value FROM json_each(?))))`,
      values: [names, '', 'namespaces', names],
    });
  }
  if (filter.namespace !== undefined) {
    const inside = { sql: `o.namespace_id = ${NAMESPACE_ID}`, values: [filter.namespace] };
    conditions.push(filter.withNamespaceObject === true ? orNamespaceObject(inside, filter.namespace) : inside);
  }
  return conditions;
}

function orNamespaceObject(inside: Condition, namespace: string): Condition {
  return {
    sql: `(${inside.sql} OR o.id IN (SELECT id FROM objects WHERE resource_id = ${RESOURCE_ID}
      AND namespace_id = ${NAMESPACE_ID} AND name = ?))`,
    values: [...inside.values, '', 'namespaces', '', namespace],
  };
}

export function where(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { sql: '', values: [] };
  return {
    sql: `WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`,
    values: conditions.flatMap((condition) => condition.values),
  };
}

/** The ids of the objects that match. */
export function idsSql(filter: ObjectFilter): Condition {
  const { sql, values } = where(objectConditions(filter));
  return { sql: `SELECT o.id FROM objects o ${sql}`, values };
}

/** True where a filter asks for all in a namespace: that has an index of its own. */
export function isWholeNamespace({ namespace, type, names, namePrefix, uid, within }: ObjectFilter): boolean {
  return (
    namespace !== undefined && [type, names, namePrefix, uid, within].every((condition) => condition === undefined)
  );
}

/** What a filter says of changes, besides of which objects. */
export function changeConditions(filter: ChangeFilter): Condition[] {
  const { username, withoutStatus, minSeq, maxSeq, since, until, refused } = filter;
  const conditions: Condition[] = [];
  if (refused === true) {
    conditions.push({ sql: `c.seq IN (SELECT seq FROM outcomes WHERE reason = ${REFUSED})`, values: [] });
  }
  if (since !== undefined) conditions.push({ sql: 'coalesce(c.occurred_at, c.at) >= ?', values: [since] });
  if (until !== undefined) conditions.push({ sql: 'coalesce(c.occurred_at, c.at) <= ?', values: [until] });
  if (withoutStatus === true) conditions.push({ sql: `(c.kind & ${STATUS_ONLY_MASK}) = 0`, values: [] });
  if (username !== undefined) {
    conditions.push({ sql: '+c.actor_id IN (SELECT id FROM actors WHERE username = ?)', values: [username] });
  }
  if (minSeq !== undefined) conditions.push({ sql: 'c.seq >= ?', values: [minSeq] });
  if (maxSeq !== undefined) conditions.push({ sql: 'c.seq <= ?', values: [maxSeq] });
  return conditions;
}
