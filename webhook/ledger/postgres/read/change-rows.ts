import { OUTCOMES, DISPUTED, type ObjectRef } from '../../../../shared/types.ts';
import {
  EXPLAINED_LATE,
  OUTCOME_REASONS,
  type ChangeFilter,
  type ObjectFilter,
  type StoredChange,
  type UserCount,
} from '../../port/port.ts';
import { EFFECT_MASK, encodeUid, SOURCE_MASK, STATUS_ONLY_MASK } from '../../sqlite/database/codes.ts';
import { isWholeNamespace } from '../../sqlite/read/filter.ts';
import { addChanges } from '../../sqlite/read/lineage.ts';
import { DecodedChange, type Row } from '../../sqlite/store/decoded-change.ts';
import { decodeAny, encodeAny } from '../database/pool.ts';
import { ACTOR_IDS, changeConditions, namespaceObject, objectConditions, TEXT_IDS } from './filter.ts';
import { everHadLabels, hadLabels, matchingSets } from './labels.ts';
import type { Names } from './names.ts';
import { where, type Condition, type Statements } from './statements.ts';

/** A change with its last outcome, and, of its outcomes, what the API server made of it and what the audit log tells. */
const SELECT = `SELECT c.seq, c.at, c.object_id, c.actor_id, c.kind, c.subresource_id, c.manager_id, c.api_version_id,
  c.parent, c.depth, c.base_version, c.version, c.review_uid, c.hash, c.detail, c.occurred_at,
  x.outcome, x.reason, x.version AS outcome_version, y.amendment, y.audit
  FROM changes c LEFT JOIN LATERAL (SELECT outcome, reason, version FROM outcomes WHERE ledger = :ledger AND seq = c.seq
    ORDER BY commit_id DESC, n DESC LIMIT 1) x ON TRUE
  LEFT JOIN LATERAL (SELECT (array_agg(amendment) FILTER (WHERE amendment IS NOT NULL))[1] AS amendment,
    (array_agg(audit ORDER BY commit_id DESC, n DESC) FILTER (WHERE audit IS NOT NULL))[1] AS audit
    FROM outcomes WHERE ledger = :ledger AND seq = c.seq) y ON TRUE
  WHERE c.ledger = :ledger`;

/** Of more objects than this the newest changes are found by going back through the ledger. */
const MAX_STREAMS = 5_000;
/** Most objects have one change since the last that is known to be real. */
const SHORT_TAIL = 2;

const COMMITTED = OUTCOMES.indexOf('committed');
const EXPLAINED = OUTCOME_REASONS.indexOf(EXPLAINED_LATE);

/** A stretch of an index of changes for each id. */
interface Streams {
  column: 'object_id' | 'namespace_id' | 'actor_id';
  ids: number[];
}

/** Reads changes of one ledger. */
export class ChangeRows {
  constructor(
    private readonly statements: Statements,
    private readonly names: Names,
  ) {}

  async changes({ labels, ...filter }: ChangeFilter, limit: number): Promise<StoredChange[]> {
    const sets = labels === undefined || labels.length === 0 ? null : await matchingSets(this.statements, labels);
    if (sets?.length === 0) return [];
    const conditions = [...changeConditions(filter), ...(sets === null ? [] : [hadLabels(sets)])];
    const streams = await this.streams(filter, sets);
    if (streams === null) return this.select(where(conditions), 'ORDER BY c.seq DESC LIMIT ?', limit);
    if (streams === 'many') {
      const { sql, values } = where(objectConditions(filter));
      const matching = { sql: `c.object_id IN (SELECT o.id FROM objects o WHERE o.ledger = :ledger${sql})`, values };
      return this.select(where([matching, ...conditions]), 'ORDER BY c.seq DESC LIMIT ?', limit);
    }
    const { sql, values } = where(conditions);
    const parts = streams.map(({ column, ids }) => ({
      sql: `SELECT s.seq FROM unnest(?::bigint[]) i (id) CROSS JOIN LATERAL (SELECT c.seq FROM changes c
        WHERE c.ledger = :ledger AND c.${column} = i.id${sql} ORDER BY c.seq DESC LIMIT ?) s`,
      values: [ids, ...values, limit],
    }));
    const newest = {
      sql: `c.seq IN (SELECT seq FROM (${parts.map((part) => part.sql).join(' UNION ')}) f ORDER BY seq DESC LIMIT ?)`,
      values: [...parts.flatMap((part) => part.values), limit],
    };
    return this.select(where([newest]), 'ORDER BY c.seq DESC');
  }

  /** The stretches that hold all that a filter asks for; null where that is the whole ledger. */
  private async streams(filter: ChangeFilter, sets: readonly number[] | null): Promise<Streams[] | 'many' | null> {
    const { namespace, withNamespaceObject, username } = filter;
    const ids = async (column: Streams['column'], sql: string, ...values: unknown[]): Promise<Streams> => {
      const rows = await this.statements.all<{ id: number }>(`${sql} LIMIT ${MAX_STREAMS + 1}`, ...values);
      return { column, ids: rows.map(({ id }) => id) };
    };
    const OBJECTS = 'SELECT o.id FROM objects o WHERE o.ledger = :ledger';
    if (sets === null && namespace !== undefined && isWholeNamespace(filter)) {
      const inside = await ids('namespace_id', TEXT_IDS.slice(1, -1), namespace, namespace);
      if (withNamespaceObject !== true) return [inside];
      const itself = namespaceObject(namespace);
      return [inside, await ids('object_id', `${OBJECTS} AND ${itself.sql}`, ...itself.values)];
    }
    const conditions = [...objectConditions(filter), ...(sets === null ? [] : [everHadLabels(sets)])];
    if (conditions.length > 0) {
      const { sql, values } = where(conditions);
      const found = await ids('object_id', `${OBJECTS}${sql}`, ...values);
      return found.ids.length > MAX_STREAMS ? 'many' : [found];
    }
    return username === undefined ? null : [await ids('actor_id', ACTOR_IDS.slice(1, -1), username, username)];
  }

  async users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]> {
    const objects = where(objectConditions(filter));
    const matching: Condition[] =
      objects.sql === ''
        ? []
        : [{ sql: `c.object_id IN (SELECT o.id FROM objects o WHERE o.ledger = :ledger${objects.sql})`, values: objects.values }]; // prettier-ignore
    const { sql, values } = where([...matching, ...changeConditions(filter)]);
    const isStatus = `(c.kind & ${STATUS_ONLY_MASK}) > 0 AND m.value NOT LIKE 'kubectl%'`;
    const rows = await this.statements.all<UserCount & { disputed: number }>(
      `SELECT a.username, r.api_group AS "group", r.resource, r.kind, count(*) AS changes,
        count(*) FILTER (WHERE x.reason = ${OUTCOME_REASONS.indexOf(DISPUTED)}) AS disputed,
        min(coalesce(c.occurred_at, c.at)) AS "firstAt", max(coalesce(c.occurred_at, c.at)) AS "lastAt"
        FROM changes c JOIN actors a ON a.ledger = :ledger AND a.id = c.actor_id JOIN texts m ON m.ledger = :ledger AND m.id = c.manager_id
        JOIN objects ob ON ob.ledger = :ledger AND ob.id = c.object_id JOIN resources r ON r.ledger = :ledger AND r.id = ob.resource_id
        LEFT JOIN LATERAL (SELECT outcome, reason FROM outcomes WHERE ledger = :ledger AND seq = c.seq
          ORDER BY commit_id DESC, n DESC LIMIT 1) x ON TRUE
        WHERE c.ledger = :ledger${sql} AND x.outcome IS DISTINCT FROM ${OUTCOMES.indexOf('dropped')}
        ${status ? '' : `AND NOT (${isStatus})`}
        GROUP BY a.username, r.id, r.api_group, r.resource, r.kind ORDER BY a.username, changes DESC, r.id`,
      ...values,
    );
    return rows.map(({ disputed, ...row }) => (disputed === 0 ? row : { ...row, disputed }));
  }

  /** Those that are there, in any order. */
  changesAt(seqs: readonly number[]): Promise<StoredChange[]> {
    return this.select({ sql: ' AND c.seq = ANY (?::bigint[])', values: [seqs] }, '');
  }

  async explanation(seq: number): Promise<StoredChange | null> {
    const sql = ` AND EXISTS (SELECT 1 FROM changes e WHERE e.ledger = :ledger AND e.seq = ? AND e.object_id = c.object_id AND c.seq > e.seq
      AND coalesce(nullif(x.version, ''), c.version) = e.version) AND (c.kind & ${EFFECT_MASK}) > 0
      AND c.object_id = (SELECT object_id FROM changes WHERE ledger = :ledger AND seq = ?)
      AND (((c.kind & ${SOURCE_MASK}) = 0 AND x.outcome = ${COMMITTED}) OR ((c.kind & ${SOURCE_MASK}) > 0 AND x.reason IS DISTINCT FROM ${EXPLAINED}))`;
    return (await this.select({ sql, values: [seq, seq] }, 'ORDER BY c.seq LIMIT 1'))[0] ?? null;
  }

  async tail(objectId: number, maxSeq: number): Promise<StoredChange[]> {
    const found: StoredChange[] = [];
    for (let [below, limit] = [maxSeq, SHORT_TAIL]; ; limit *= 4) {
      const of = { sql: ' AND c.object_id = ? AND c.seq <= ?', values: [objectId, below] };
      const rows = await this.select(of, 'ORDER BY c.seq DESC LIMIT ?', limit);
      if (addChanges(found, rows)) return found;
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return found;
      below = last.seq - 1;
    }
  }

  async hasAudit(id: string): Promise<boolean> {
    const sql = 'SELECT 1 AS found FROM outcomes WHERE ledger = :ledger AND audit_id = ? LIMIT 1';
    return (await this.statements.get(sql, encodeAny(encodeUid(id)))) !== null;
  }

  async hasBackdated(): Promise<boolean> {
    const sql = 'SELECT 1 AS found FROM changes WHERE ledger = :ledger AND occurred_at IS NOT NULL LIMIT 1';
    return (await this.statements.get(sql)) !== null;
  }

  async backdated(objectId: number, at: number): Promise<StoredChange | null> {
    const sql = ` AND c.object_id = ? AND c.occurred_at <= ? AND c.at > ? AND (c.kind & ${EFFECT_MASK}) > 0
      AND coalesce(x.outcome, ${COMMITTED}) = ${COMMITTED} AND x.reason IS DISTINCT FROM ${EXPLAINED}`;
    const rows = await this.select(
      { sql, values: [objectId, at, at] },
      'ORDER BY c.occurred_at DESC, c.seq DESC LIMIT 1',
    );
    return rows[0] ?? null;
  }

  openAttempts(fromSeq: number, limit: number): Promise<StoredChange[]> {
    const sql = ` AND c.seq >= ? AND x.outcome IS NULL AND (c.kind & ${EFFECT_MASK}) > 0 AND (c.kind & ${SOURCE_MASK}) = 0`;
    return this.select({ sql, values: [fromSeq] }, 'ORDER BY c.seq LIMIT ?', limit);
  }

  acts(object: ObjectRef, subresource: string, limit: number): Promise<StoredChange[]> {
    const { group, resource, namespace, name, uid } = object;
    const filter: ObjectFilter = { type: { group, resource }, namespace, names: [name], uid };
    const { sql, values } = where(objectConditions(filter));
    const of = {
      sql: ` AND c.object_id IN (SELECT o.id FROM objects o WHERE o.ledger = :ledger${sql}) AND c.subresource_id IN ${TEXT_IDS}
        AND (c.kind & ${EFFECT_MASK}) = 0`,
      values: [...values, subresource, subresource],
    };
    return this.select(of, 'ORDER BY c.seq DESC LIMIT ?', limit);
  }

  private async select({ sql, values }: Condition, end: string, ...more: unknown[]): Promise<StoredChange[]> {
    const rows = await this.statements.all<Omit<Row, 'review_uid'> & { review_uid: Buffer }>(
      `${SELECT}${sql} ${end}`,
      ...values,
      ...more,
    );
    const names = await this.names.of(rows);
    return rows.map((row) => new DecodedChange({ ...row, review_uid: decodeAny(row.review_uid) }, names));
  }
}
