import type { ChangeFilter, ObjectFilter } from '../../port/port.ts';
import { STATUS_ONLY_MASK } from '../../sqlite/database/codes.ts';
import { REFUSED } from '../../sqlite/database/schema.ts';
import { INDEXED } from '../database/migrations.ts';
import type { Condition } from './statements.ts';

/*
 * The port's filters as SQL of PostgreSQL. `o` is a row of objects, `c` one of changes. After a fold at its source a text may have
 * several ids.
 */

const RESOURCE_IDS = '(SELECT id FROM resources WHERE ledger = :ledger AND api_group = ? AND resource = ?)';

/** The ids of a text; its value is given twice. */
export const TEXT_IDS = `(SELECT id FROM texts WHERE ledger = :ledger AND left(value, ${INDEXED}) = left(?, ${INDEXED}) AND value = ?)`;
export const ACTOR_IDS = `(SELECT id FROM actors WHERE ledger = :ledger AND left(username, ${INDEXED}) = left(?, ${INDEXED}) AND username = ?)`;

const ofType = (group: string, resource: string): Condition => ({
  sql: `o.resource_id IN ${RESOURCE_IDS}`,
  values: [group, resource],
});
const inNamespace = (name: string): Condition => ({ sql: `o.namespace_id IN ${TEXT_IDS}`, values: [name, name] });
export const named = (names: readonly string[]): Condition => ({
  sql: `left(o.name, ${INDEXED}) = ANY (SELECT left(n, ${INDEXED}) FROM unnest(?::text[]) n) AND o.name = ANY (?::text[])`,
  values: [names, names],
});

export function objectConditions(filter: ObjectFilter): Condition[] {
  const { type, names, namePrefix, uid, within, namespace, withNamespaceObject } = filter;
  const conditions: Condition[] = [];
  if (type !== undefined) conditions.push(ofType(type.group, type.resource));
  if (names !== undefined) conditions.push(named(names));
  if (namePrefix !== undefined)
    conditions.push({ sql: 'o.name >= ? AND o.name < ?', values: [namePrefix, `${namePrefix}\u{10ffff}`] });
  if (uid !== undefined) conditions.push({ sql: 'o.uid = ?', values: [uid] });
  if (within !== undefined) {
    const namespaces = ofType('', 'namespaces');
    conditions.push({
      sql: `(o.namespace_id IN (SELECT id FROM texts WHERE ledger = :ledger AND value = ANY (?::text[]))
        OR (${namespaces.sql} AND o.name = ANY (?::text[])))`,
      values: [within, ...namespaces.values, within],
    });
  }
  if (namespace !== undefined) {
    const inside = inNamespace(namespace);
    conditions.push(withNamespaceObject === true ? either(inside, namespaceObject(namespace)) : inside);
  }
  return conditions;
}

/** The Namespace object itself. */
export function namespaceObject(name: string): Condition {
  return both([ofType('', 'namespaces'), inNamespace(''), named([name])]);
}

function both(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

function either(a: Condition, b: Condition): Condition {
  return { sql: `(${a.sql} OR (${b.sql}))`, values: [...a.values, ...b.values] };
}

/** What a filter says of changes, besides of which objects. */
export function changeConditions(filter: ChangeFilter): Condition[] {
  const { username, withoutStatus, minSeq, maxSeq, since, until, refused } = filter;
  const conditions: Condition[] = [];
  if (refused === true) {
    const sql = `EXISTS (SELECT 1 FROM outcomes f WHERE f.ledger = :ledger AND f.seq = c.seq AND f.reason = ${REFUSED})`;
    conditions.push({ sql, values: [] });
  }
  if (since !== undefined) conditions.push({ sql: 'coalesce(c.occurred_at, c.at) >= ?', values: [since] });
  if (until !== undefined) conditions.push({ sql: 'coalesce(c.occurred_at, c.at) <= ?', values: [until] });
  if (withoutStatus === true) conditions.push({ sql: `(c.kind & ${STATUS_ONLY_MASK}) = 0`, values: [] });
  if (username !== undefined) conditions.push({ sql: `c.actor_id IN ${ACTOR_IDS}`, values: [username, username] });
  if (minSeq !== undefined) conditions.push({ sql: 'c.seq >= ?', values: [minSeq] });
  if (maxSeq !== undefined) conditions.push({ sql: 'c.seq <= ?', values: [maxSeq] });
  return conditions;
}
