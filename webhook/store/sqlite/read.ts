import type { Statement } from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { OUTCOMES, type Actor, type JsonObject, type ObjectRef } from '../../../shared/types.ts';
import { decodeBody, decodeDetail } from '../payload.ts';
import {
  OUTCOME_REASONS,
  type ChangeFilter,
  type ObjectFilter,
  type StoredChange,
  type StoredObject,
  type UserCount,
} from '../port.ts';
import { decodeFacts, decodeUid, EFFECT_MASK, SOURCE_MASK, STATUS_ONLY_MASK } from './codes.ts';
import type { Sqlite } from './open.ts';

/** How many interned texts, actors and objects are remembered; the rest is read again. */
const REMEMBERED = 20_000;
/** Not `max`, which makes room for all of them at once: 10 ms of a question's time. */
const MEMORY = { maxSize: REMEMBERED, sizeCalculation: () => 1 };

interface Row {
  seq: number;
  at: number;
  object_id: number;
  actor_id: number | null;
  kind: number;
  subresource_id: number;
  manager_id: number;
  api_version_id: number;
  parent: number | null;
  depth: number;
  base_version: string;
  version: string;
  review_uid: Buffer | string;
  hash: Buffer | null;
  detail: Buffer;
  outcome: number | null;
  reason: number | null;
  outcome_version: string | null;
}

const SELECT = `SELECT c.seq, c.at, c.object_id, c.actor_id, c.kind, c.subresource_id, c.manager_id, c.api_version_id,
  c.parent, c.depth, c.base_version, c.version, c.review_uid, c.hash, c.detail,
  x.outcome, x.reason, x.version AS outcome_version
  FROM changes c LEFT JOIN outcomes x ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)`;

const SELECT_OBJECT = `SELECT o.id, r.api_group AS "group", r.resource, r.kind, t.value AS namespace, o.name, o.uid
  FROM objects o JOIN resources r ON r.id = o.resource_id JOIN texts t ON t.id = o.namespace_id`;

const NAMESPACE_ID = '(SELECT id FROM texts WHERE value = ?)';
const RESOURCE_ID = '(SELECT id FROM resources WHERE api_group = ? AND resource = ?)';

const OBJECT_ID = `SELECT id FROM objects
  WHERE resource_id = ${RESOURCE_ID} AND namespace_id = ${NAMESPACE_ID} AND name = ? AND uid = ?`;

/** SQL that narrows to some objects, and its parameters. */
interface Condition {
  sql: string;
  values: unknown[];
}

function objectConditions(filter: ObjectFilter): Condition[] {
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

function where(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { sql: '', values: [] };
  return {
    sql: `WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`,
    values: conditions.flatMap((condition) => condition.values),
  };
}

function changeConditions(filter: ChangeFilter): Condition {
  const conditions: Condition[] = [];
  const { namespace, ...rest } = filter;
  // A namespace alone has an index of its own; everything else goes by the ids of the objects that match.
  const byNamespace = namespace !== undefined && filter.type === undefined && filter.names === undefined;
  if (byNamespace && filter.withNamespaceObject !== true) {
    conditions.push({ sql: `c.namespace_id = ${NAMESPACE_ID}`, values: [namespace] });
  }
  const objects = where(objectConditions(byNamespace && filter.withNamespaceObject !== true ? rest : filter));
  if (objects.sql !== '') {
    conditions.push({ sql: `c.object_id IN (SELECT o.id FROM objects o ${objects.sql})`, values: objects.values });
  }
  if (filter.username !== undefined) {
    conditions.push({ sql: 'c.actor_id IN (SELECT id FROM actors WHERE username = ?)', values: [filter.username] });
  }
  if (filter.minSeq !== undefined) conditions.push({ sql: 'c.seq >= ?', values: [filter.minSeq] });
  if (filter.maxSeq !== undefined) conditions.push({ sql: 'c.seq <= ?', values: [filter.maxSeq] });
  return where(conditions);
}

/** The read side of the SQLite adapter: statements, and rows decoded into the port's types. */
export class Rows {
  private readonly texts = new LRUCache<number, string>(MEMORY);
  private readonly actors = new LRUCache<number, Actor>(MEMORY);
  private readonly objectsById = new LRUCache<number, StoredObject>(MEMORY);
  private readonly prepared = new Map<string, Statement<unknown[]>>();

  constructor(private readonly db: Sqlite) {}

  private prepare(sql: string): Statement<unknown[]> {
    let statement = this.prepared.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare<unknown[]>(sql);
      this.prepared.set(sql, statement);
    }
    return statement;
  }

  /** After ids were removed from the file. */
  forget(): void {
    for (const cache of [this.texts, this.actors, this.objectsById]) cache.clear();
  }

  get<T>(sql: string, ...values: unknown[]): T | null {
    return (this.prepare(sql).get(...values) as T | undefined) ?? null;
  }

  all<T>(sql: string, ...values: unknown[]): T[] {
    return this.prepare(sql).all(...values) as T[];
  }

  objects(filter: ObjectFilter, limit: number, after?: number): StoredObject[] {
    const { sql, values } = where(objectConditions(filter));
    const order = 'r.api_group, r.resource, t.value, o.name, o.id';
    const from =
      after === undefined
        ? { sql, values }
        : {
            sql: `${sql === '' ? 'WHERE' : `${sql} AND`} (${order}) > (SELECT ${order} FROM objects o
              JOIN resources r ON r.id = o.resource_id JOIN texts t ON t.id = o.namespace_id WHERE o.id = ?)`,
            values: [...values, after],
          };
    return this.all<StoredObject>(`${SELECT_OBJECT} ${from.sql} ORDER BY ${order} LIMIT ?`, ...from.values, limit);
  }

  changes(filter: ChangeFilter, limit: number): StoredChange[] {
    const { sql, values } = changeConditions(filter);
    return this.all<Row>(`${SELECT} ${sql} ORDER BY c.seq DESC LIMIT ?`, ...values, limit).map((row) =>
      this.decode(row),
    );
  }

  users(filter: Omit<ChangeFilter, 'username'>, status: boolean): UserCount[] {
    const { sql, values } = changeConditions(filter);
    const isStatus = `(c.kind & ${STATUS_ONLY_MASK}) > 0 AND m.value NOT GLOB 'kubectl*'`;
    return this.all<UserCount>(
      `SELECT a.username, r.api_group AS "group", r.resource, r.kind,
        count(*) AS changes, min(c.at) AS firstAt, max(c.at) AS lastAt
        FROM changes c JOIN actors a ON a.id = c.actor_id JOIN texts m ON m.id = c.manager_id
        JOIN objects ob ON ob.id = c.object_id JOIN resources r ON r.id = ob.resource_id
        LEFT JOIN outcomes x ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)
        ${sql === '' ? 'WHERE' : `${sql} AND`} x.outcome IS NOT ?${status ? '' : ` AND NOT (${isStatus})`}
        GROUP BY a.username, r.id ORDER BY a.username, changes DESC, r.id`,
      ...values,
      OUTCOMES.indexOf('dropped'),
    );
  }

  change(seq: number): StoredChange | null {
    const row = this.get<Row>(`${SELECT} WHERE c.seq = ?`, seq);
    return row === null ? null : this.decode(row);
  }

  tail(objectId: number, maxSeq: number): StoredChange[] {
    const found: StoredChange[] = [];
    // Not a shared statement: an iteration holds it.
    const statement = this.db.prepare<unknown[], Row>(
      `${SELECT} WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq DESC`,
    );
    for (const row of statement.iterate(objectId, maxSeq)) {
      const change = this.decode(row);
      if (change.effect === 'none') continue;
      found.push(change);
      if (change.outcome === 'committed' && !change.late) break;
    }
    return found;
  }

  open(fromSeq: number, limit: number): StoredChange[] {
    return this.all<Row>(
      `${SELECT} WHERE c.seq >= ? AND x.seq IS NULL AND (c.kind & ${EFFECT_MASK}) > 0 AND (c.kind & ${SOURCE_MASK}) = 0
        ORDER BY c.seq LIMIT ?`,
      fromSeq,
      limit,
    ).map((row) => this.decode(row));
  }

  acts(object: ObjectRef, subresource: string, limit: number): StoredChange[] {
    return this.all<Row>(
      `${SELECT} WHERE c.object_id = (${OBJECT_ID}) AND c.subresource_id = (SELECT id FROM texts WHERE value = ?)
        ORDER BY c.seq DESC LIMIT ?`,
      ...[object.group, object.resource, object.namespace, object.name, object.uid],
      subresource,
      limit,
    ).map((row) => this.decode(row));
  }

  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): StoredObject[] {
    return this.all<StoredObject>(
      `${SELECT_OBJECT} WHERE o.resource_id = ${RESOURCE_ID} AND o.namespace_id = ${NAMESPACE_ID} AND o.name = ?
        ORDER BY o.id DESC`,
      ...[key.group, key.resource, key.namespace, key.name],
    );
  }

  checkpoint(seq: number): JsonObject | null {
    const body = this.get<{ body: Buffer }>('SELECT body FROM checkpoints WHERE seq = ?', seq);
    return body === null ? null : decodeBody(body.body);
  }

  private decode(row: Row): StoredChange {
    const { id: objectId, ...object } = this.object(row.object_id);
    const facts = decodeFacts(row.kind);
    return {
      ...facts,
      seq: row.seq,
      at: row.at,
      objectId,
      object,
      subresource: this.text(row.subresource_id),
      manager: this.text(row.manager_id),
      apiVersion: this.text(row.api_version_id),
      actor: row.actor_id === null ? null : this.actor(row.actor_id),
      parent: row.parent,
      depth: row.depth,
      baseResourceVersion: row.base_version,
      resourceVersion: row.outcome_version ?? row.version,
      reviewUid: decodeUid(row.review_uid),
      hash: row.hash,
      // What is not a request is a fact from the start.
      outcome: OUTCOMES[row.outcome ?? -1] ?? (facts.source === 'admission' ? 'pending' : 'committed'),
      outcomeReason: OUTCOME_REASONS[row.reason ?? -1] ?? (facts.source === 'admission' ? '' : OUTCOME_REASONS[0]),
      detail: () => decodeDetail(row.detail),
    };
  }

  private text(id: number): string {
    return this.remember(
      this.texts,
      id,
      () => this.get<{ value: string }>('SELECT value FROM texts WHERE id = ?', id)?.value ?? '',
    );
  }

  private actor(id: number): Actor {
    return this.remember(this.actors, id, () => {
      const row = this.get<{ identity: string }>('SELECT identity FROM actors WHERE id = ?', id);
      return JSON.parse(row?.identity ?? '{"username":"","groups":[]}') as Actor;
    });
  }

  private object(id: number): StoredObject {
    return this.remember(this.objectsById, id, () => {
      const object = this.get<StoredObject>(`${SELECT_OBJECT} WHERE o.id = ?`, id);
      if (object === null) throw new Error(`the ledger has no object ${id}`);
      return object;
    });
  }

  private remember<T extends NonNullable<unknown>>(cache: LRUCache<number, T>, id: number, load: () => T): T {
    let value = cache.get(id);
    if (value === undefined) {
      value = load();
      cache.set(id, value);
    }
    return value;
  }
}
