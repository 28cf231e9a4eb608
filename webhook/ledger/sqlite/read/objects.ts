import type { ObjectRef, ResourceType } from '../../../../shared/types.ts';
import type { ObjectFilter, StoredObject } from '../../port/port.ts';
import { decodeFacts, EFFECT_MASK, outcomeOf } from '../database/codes.ts';
import { NAMESPACE_ID, objectConditions, RESOURCE_ID, where } from './filter.ts';
import { SELECT_OBJECT } from './names.ts';
import { LIMIT, type Statements } from '../database/statements.ts';

/** Objects of one type in one namespace: a stretch of the index that makes them unique, in the order of their names. */
interface Group extends ResourceType {
  resourceId: number;
  namespaceId: number;
  namespace: string;
}

/** The namespaces that have objects of a type: one look into the index for each, however many objects there are. */
const NAMESPACES = `WITH RECURSIVE found (id) AS (
  SELECT min(namespace_id) FROM objects WHERE resource_id = ?
  UNION ALL SELECT (SELECT min(namespace_id) FROM objects WHERE resource_id = ? AND namespace_id > found.id) FROM found
    WHERE found.id IS NOT NULL)
  SELECT t.id AS namespaceId, t.value AS namespace FROM found JOIN texts t ON t.id = found.id
  WHERE t.value >= ? ORDER BY t.value`;

/** Of `mayExist`: each takes some ten microseconds, and what ends of them shares one commit. */
export const LOOKED_AT_ONCE = 250;

/** An object's newest change with a body. */
const NEWEST = `SELECT c.kind, c.parent, (SELECT outcome FROM outcomes WHERE seq = c.seq ORDER BY n DESC LIMIT 1) AS outcome
  FROM changes c WHERE c.object_id = ? AND (c.kind & ${EFFECT_MASK}) > 0 ORDER BY c.seq DESC LIMIT 1`;

/** The + keeps SQLite from reading all of the namespace, which is in this order already, instead of looking for the name. */
export const INCARNATIONS = `${SELECT_OBJECT}
  WHERE o.resource_id = ${RESOURCE_ID} AND o.namespace_id = ${NAMESPACE_ID} AND o.name = ? ORDER BY +o.id DESC`;

/** Looks up objects. */
export class Objects {
  constructor(private readonly statements: Statements) {}

  /**
   * By group, resource, namespace, name and age, from the one after `after` on. Group by group: SQLite, asked for all
   * of them in this order, would sort them anew for each page.
   */
  list(filter: ObjectFilter, limit: number, after?: number): StoredObject[] {
    const last =
      after === undefined ? null : this.statements.get<StoredObject>(`${SELECT_OBJECT} WHERE o.id = ?`, after);
    if (after !== undefined && last === null) return [];
    const found: StoredObject[] = [];
    for (const group of this.groups(filter, last)) {
      const { resourceId, namespaceId, ...shared } = group;
      const isLast = last !== null && sameGroup(group, last);
      const { sql, values } = where([
        { sql: 'o.resource_id = ? AND o.namespace_id = ?', values: [resourceId, namespaceId] },
        ...(isLast ? [{ sql: '(o.name, o.id) > (?, ?)', values: [last.name, last.id] }] : []),
        ...objectConditions(filter),
      ]);
      const rows = this.statements.all<Pick<StoredObject, 'id' | 'name' | 'uid'>>(
        `SELECT o.id, o.name, o.uid FROM objects o ${sql} ORDER BY o.name, o.id ${LIMIT}`,
        ...values,
        limit - found.length,
      );
      for (const row of rows) found.push({ ...shared, ...row });
      if (found.length >= limit) break;
    }
    return found;
  }

  /** LedgerStore.mayExist. */
  mayExist(filter: ObjectFilter, after?: number): { objects: StoredObject[]; next: number | null } {
    const page = this.list(filter, LOOKED_AT_ONCE, after);
    const objects = page.filter(({ id }) => {
      const newest = this.statements.get<NewestRow>(NEWEST, id);
      return newest !== null && mayExistAfter(newest);
    });
    return { objects, next: page.length < LOOKED_AT_ONCE ? null : (page.at(-1)?.id ?? null) };
  }

  /** An object's incarnations, by name, the newest first. */
  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): StoredObject[] {
    return this.statements.all<StoredObject>(INCARNATIONS, ...[key.group, key.resource, key.namespace, key.name]);
  }

  /** Those that may hold what a filter asks for, from the one of an object on. */
  private *groups(filter: ObjectFilter, from: ObjectRef | null): Generator<Group> {
    const { type } = filter;
    const only =
      type === undefined ? [] : [{ sql: 'api_group = ? AND resource = ?', values: [type.group, type.resource] }];
    const { sql, values } = where([
      { sql: '(api_group, resource) >= (?, ?)', values: [from?.group ?? '', from?.resource ?? ''] },
      ...only,
    ]);
    const resources = this.statements.all<Omit<Group, 'namespaceId' | 'namespace'>>(
      `SELECT id AS resourceId, api_group AS "group", resource, kind FROM resources ${sql} ORDER BY api_group, resource`,
      ...values,
    );
    for (const resource of resources) {
      const isFirst = resource.group === from?.group && resource.resource === from.resource;
      for (const namespace of this.namespaces(filter, resource, isFirst ? from.namespace : '')) {
        yield { ...resource, ...namespace };
      }
    }
  }

  private namespaces(
    { namespace, withNamespaceObject }: ObjectFilter,
    { resourceId, group, resource }: Omit<Group, 'namespaceId' | 'namespace'>,
    from: string,
  ): Pick<Group, 'namespaceId' | 'namespace'>[] {
    // The Namespace object is in no namespace.
    if (namespace === undefined || (withNamespaceObject === true && group === '' && resource === 'namespaces')) {
      return this.statements.all(NAMESPACES, resourceId, resourceId, from);
    }
    const sql = 'SELECT id AS namespaceId, value AS namespace FROM texts WHERE value = ? AND value >= ?';
    return this.statements.all(sql, namespace, from);
  }
}

/** An object's newest change with a body. */
export interface NewestRow {
  kind: number;
  parent: number | null;
  outcome: number | null;
}

/** False where the object is known to have ended with it, or never to have been. */
export function mayExistAfter({ kind, parent, outcome: code }: NewestRow): boolean {
  const { effect, source, late } = decodeFacts(kind);
  const outcome = outcomeOf(code, source);
  const ended = effect === 'deleted' && outcome === 'committed' && !late;
  const neverWas = effect === 'created' && outcome === 'dropped' && parent === null;
  return !ended && !neverWas;
}

function sameGroup(a: ObjectRef | Group, b: ObjectRef): boolean {
  return a.group === b.group && a.resource === b.resource && a.namespace === b.namespace;
}
