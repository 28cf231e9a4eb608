import { DISPUTED, OUTCOMES, type ObjectRef } from '../../../../shared/types.ts';
import {
  EXPLAINED_LATE,
  OUTCOME_REASONS,
  type ChangeFilter,
  type StoredChange,
  type StoredVersion,
  type UserCount,
} from '../../port/port.ts';
import { EFFECT_MASK, encodeUid, SOURCE_MASK, STATUS_ONLY_MASK } from '../database/codes.ts';
import {
  changeConditions,
  idsSql,
  isWholeNamespace,
  NAMESPACE_ID,
  objectConditions,
  RESOURCE_ID,
  where,
  type Condition,
} from './filter.ts';
import { MAX_STREAMS, newestOf, type Stream } from './newest.ts';
import type { Names } from './names.ts';
import { DecodedChange, type Row } from '../store/decoded-change.ts';
import { LIMIT, type Statements } from '../database/statements.ts';
import { addChanges, addVersions, type VersionRow } from './lineage.ts';

const SELECT = `SELECT c.seq, c.at, c.object_id, c.actor_id, c.kind, c.subresource_id, c.manager_id, c.api_version_id,
  c.parent, c.depth, c.base_version, c.version, c.review_uid, c.hash, c.detail,
  x.outcome, x.reason, x.version AS outcome_version,
  iif(x.n > 0, (SELECT amendment FROM outcomes WHERE seq = c.seq AND amendment IS NOT NULL), x.amendment) AS amendment,
  c.occurred_at, (SELECT audit FROM outcomes WHERE seq = c.seq AND audit IS NOT NULL ORDER BY n DESC LIMIT 1) AS audit
  FROM changes c LEFT JOIN outcomes x ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)`;

const OBJECT_ID = `SELECT id FROM objects
  WHERE resource_id = ${RESOURCE_ID} AND namespace_id = ${NAMESPACE_ID} AND name = ? AND uid = ?`;

/** Most objects have one change since the last that is known to be real. */
const SHORT_TAIL = 2;

/** So many changes of several objects are collected and sorted in a few milliseconds. */
const COLLECTED_AT_ONCE = 1000;

/** What tells which version is real: a third of the cost of whole rows. */
const VERSIONS = `SELECT c.seq, coalesce(c.occurred_at, c.at) AS at, c.kind, c.parent, c.actor_id, c.manager_id,
  (SELECT outcome FROM outcomes WHERE seq = c.seq ORDER BY n DESC LIMIT 1) AS outcome
  FROM changes c WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq DESC ${LIMIT}`;

/** The read side of the SQLite adapter: statements, and rows decoded into the port's types. */
export class Rows {
  constructor(
    private readonly statements: Statements,
    private readonly names: Names,
  ) {}

  /** Without regard to labels. */
  changes(filter: ChangeFilter, limit: number): StoredChange[] {
    const streams = this.streams(filter);
    if (streams !== null && streams.length <= MAX_STREAMS) return this.changesOf(streams, filter, limit);
    // The + keeps SQLite from collecting and sorting all that the index has: most changes match here.
    const { sql, values } = idsSql(filter);
    const matching = streams === null ? [] : [{ sql: `+c.object_id IN (${sql})`, values }];
    return this.select([...matching, ...changeConditions(filter)], limit);
  }

  /** Changes of some streams that match what a filter says of changes, newest first. */
  changesOf(streams: readonly Stream[], filter: ChangeFilter, limit: number): StoredChange[] {
    const conditions = changeConditions(filter);
    const [only] = streams;
    if (only === undefined) return [];
    if (streams.length === 1) {
      const { column, id, from = 0, to = Number.MAX_SAFE_INTEGER } = only;
      const stretch = { sql: `c.${column} = ? AND c.seq >= ? AND c.seq <= ?`, values: [id, from, to] };
      return this.select([stretch, ...conditions], limit);
    }
    if (this.areFew(streams)) {
      const ids = JSON.stringify(streams.map(({ id }) => id));
      // The + keeps SQLite from going through all changes for the sake of their order.
      const all = { sql: `c.${only.column} IN (SELECT value FROM json_each(?))`, values: [ids] };
      return this.select([all, ...conditions], limit, '+c.seq');
    }
    const found: StoredChange[] = [];
    const least = filter.minSeq ?? 0;
    const seek = ({ column, id, from = 0, to = Number.MAX_SAFE_INTEGER }: Stream, maxSeq: number): number =>
      this.statements.get<{ seq: number }>(
        `SELECT seq FROM changes WHERE ${column} = ? AND seq >= ? AND seq <= ? ORDER BY seq DESC LIMIT 1`,
        ...[id, from, Math.min(to, maxSeq)],
      )?.seq ?? 0;
    for (const seq of newestOf(streams, seek, filter.maxSeq ?? Number.MAX_SAFE_INTEGER)) {
      if (seq < least || found.length === limit) break;
      found.push(...this.select([{ sql: 'c.seq = ?', values: [seq] }, ...conditions], 1));
    }
    return found;
  }

  /** True for whole streams of one kind with so few changes that collecting them all is faster than seeking the newest. */
  private areFew(streams: readonly Stream[]): boolean {
    const column = streams[0]?.column ?? 'object_id';
    if (streams.some((each) => each.column !== column || each.from !== undefined || each.to !== undefined))
      return false;
    const ids = JSON.stringify(streams.map(({ id }) => id));
    const row = this.statements.get<{ count: number }>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM changes WHERE ${column} IN (SELECT value FROM json_each(?)) ${LIMIT})`,
      ...[ids, COLLECTED_AT_ONCE],
    );
    return (row?.count ?? 0) < COLLECTED_AT_ONCE;
  }

  /** Changes that meet all conditions, newest first. */
  private select(conditions: readonly Condition[], limit: number, order = 'c.seq'): StoredChange[] {
    const { sql, values } = where(conditions);
    const rows = this.statements.all<Row>(`${SELECT} ${sql} ORDER BY ${order} DESC ${LIMIT}`, ...values, limit);
    this.names.prepare(rows);
    return rows.map((row) => this.decode(row));
  }

  /** The indexes' parts that hold all that a filter asks for; null where it is the whole ledger. */
  private streams(filter: ChangeFilter): Stream[] | null {
    const ids = (column: Stream['column'], { sql, values }: Condition): Stream[] =>
      this.statements.all<{ id: number }>(sql, ...values).map(({ id }) => ({ column, id }));
    if (isWholeNamespace(filter)) {
      const inside = ids('namespace_id', { sql: 'SELECT id FROM texts WHERE value = ?', values: [filter.namespace] });
      if (filter.withNamespaceObject !== true || filter.namespace === undefined) return inside;
      const itself = { type: { group: '', resource: 'namespaces' }, namespace: '', names: [filter.namespace] };
      return [...inside, ...ids('object_id', idsSql(itself))];
    }
    if (objectConditions(filter).length > 0) return ids('object_id', idsSql(filter));
    if (filter.username === undefined) return null;
    return ids('actor_id', { sql: 'SELECT id FROM actors WHERE username = ?', values: [filter.username] });
  }

  users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): UserCount[] {
    const matching =
      objectConditions(filter).length === 0
        ? []
        : [{ sql: `c.object_id IN (${idsSql(filter).sql})`, values: idsSql(filter).values }];
    const { sql, values } = where([...matching, ...changeConditions(filter)]);
    const isStatus = `(c.kind & ${STATUS_ONLY_MASK}) > 0 AND m.value NOT GLOB 'kubectl*'`;
    const rows = this.statements.all<UserCount & { disputed: number }>(
      `SELECT a.username, r.api_group AS "group", r.resource, r.kind,
        count(*) AS changes, sum(x.reason IS ?) AS disputed,
        min(coalesce(c.occurred_at, c.at)) AS firstAt, max(coalesce(c.occurred_at, c.at)) AS lastAt
        FROM changes c JOIN actors a ON a.id = c.actor_id JOIN texts m ON m.id = c.manager_id
        JOIN objects ob ON ob.id = c.object_id JOIN resources r ON r.id = ob.resource_id
        LEFT JOIN outcomes x ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)
        ${sql === '' ? 'WHERE' : `${sql} AND`} x.outcome IS NOT ?${status ? '' : ` AND NOT (${isStatus})`}
        GROUP BY a.username, r.id ORDER BY a.username, changes DESC, r.id`,
      OUTCOME_REASONS.indexOf(DISPUTED),
      ...values,
      OUTCOMES.indexOf('dropped'),
    );
    return rows.map(({ disputed, ...row }) => (disputed === 0 ? row : { ...row, disputed }));
  }

  change(seq: number): StoredChange | null {
    const row = this.statements.get<Row>(`${SELECT} WHERE c.seq = ?`, seq);
    return row === null ? null : this.decode(row);
  }

  explanation(seq: number): StoredChange | null {
    const explained = OUTCOME_REASONS.indexOf(EXPLAINED_LATE);
    const row = this.statements.get<Row>(
      `${SELECT} JOIN changes y ON y.seq = ? AND y.object_id = c.object_id
        WHERE c.seq > y.seq AND iif(coalesce(x.version, '') = '', c.version, x.version) = y.version AND (c.kind & ${EFFECT_MASK}) > 0
        AND (((c.kind & ${SOURCE_MASK}) = 0 AND x.outcome = ?) OR ((c.kind & ${SOURCE_MASK}) > 0 AND x.reason IS NOT ?))
        ORDER BY c.seq ${LIMIT}`,
      ...[seq, OUTCOMES.indexOf('committed'), explained, 1],
    );
    return row === null ? null : this.decode(row);
  }

  tail(objectId: number, maxSeq: number): StoredChange[] {
    const found: StoredChange[] = [];
    for (let [below, limit] = [maxSeq, SHORT_TAIL]; ; limit *= 4) {
      const rows = this.statements.all<Row>(
        `${SELECT} WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq DESC ${LIMIT}`,
        ...[objectId, below, limit],
      );
      if (addChanges(found, this.decodeEach(rows))) return found;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return found;
      below = last.seq - 1;
    }
  }

  versions(objectId: number, maxSeq: number): StoredVersion[] {
    const found: StoredVersion[] = [];
    for (let [below, limit] = [maxSeq, SHORT_TAIL]; ; limit *= 4) {
      const rows = this.statements.all<VersionRow>(VERSIONS, objectId, below, limit);
      if (addVersions(found, rows, this.names)) return found;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return found;
      below = last.seq - 1;
    }
  }

  hasAudit(id: string): boolean {
    return this.statements.get('SELECT 1 AS found FROM outcomes WHERE audit_id = ? LIMIT 1', encodeUid(id)) !== null;
  }

  hasBackdated(): boolean {
    return this.statements.get('SELECT 1 AS found FROM changes WHERE occurred_at IS NOT NULL LIMIT 1') !== null;
  }

  backdated(objectId: number, at: number): StoredChange | null {
    const rows = this.statements.all<Row>(
      `${SELECT} WHERE c.object_id = ? AND c.occurred_at <= ? AND c.at > ? AND (c.kind & ${EFFECT_MASK}) > 0
        AND coalesce(x.outcome, ?) = ? AND x.reason IS NOT ? ORDER BY c.occurred_at DESC, c.seq DESC ${LIMIT}`,
      ...[
        objectId,
        at,
        at,
        OUTCOMES.indexOf('committed'),
        OUTCOMES.indexOf('committed'),
        OUTCOME_REASONS.indexOf(EXPLAINED_LATE),
        1,
      ],
    );
    return rows[0] === undefined ? null : this.decode(rows[0]);
  }

  openAttempts(fromSeq: number, limit: number): StoredChange[] {
    return this.statements
      .all<Row>(
        `${SELECT} WHERE c.seq >= ? AND x.seq IS NULL AND (c.kind & ${EFFECT_MASK}) > 0 AND (c.kind & ${SOURCE_MASK}) = 0
        ORDER BY c.seq ${LIMIT}`,
        fromSeq,
        limit,
      )
      .map((row) => this.decode(row));
  }

  acts(object: ObjectRef, subresource: string, limit: number): StoredChange[] {
    return this.statements
      .all<Row>(
        `${SELECT} WHERE c.object_id = (${OBJECT_ID}) AND c.subresource_id = (SELECT id FROM texts WHERE value = ?)
        AND (c.kind & ${EFFECT_MASK}) = 0 ORDER BY c.seq DESC ${LIMIT}`,
        ...[object.group, object.resource, object.namespace, object.name, object.uid],
        subresource,
        limit,
      )
      .map((row) => this.decode(row));
  }

  private *decodeEach(rows: readonly Row[]): Generator<StoredChange> {
    for (const row of rows) yield this.decode(row);
  }

  private decode(row: Row): StoredChange {
    return new DecodedChange(row, this.names);
  }
}
