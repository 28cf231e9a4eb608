import { applyOwnPatch } from '../../../../shared/patch.ts';
import { OUTCOMES, type JsonObject, type ObjectRef, type Source } from '../../../../shared/types.ts';
import {
  decodeAmendment,
  decodeBody,
  decodeDetail,
  patchOf,
  type Amendment,
  type Detail,
} from '../../content/payload.ts';
import {
  EXPLAINED_LATE,
  isExplained,
  OUTCOME_REASONS,
  type ChangeFilter,
  type Skip,
  type StoredChange,
  type StoredStep,
  type StoredVersion,
  type UserCount,
} from '../../port/port.ts';
import { decodeFacts, decodeUid, EFFECT_MASK, outcomeOf, SOURCE_MASK, STATUS_ONLY_MASK } from '../database/codes.ts';
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
import { decodeSkips, withAmendment } from './skips.ts';
import { LIMIT, type Statements } from '../database/statements.ts';

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
  amendment: Buffer | null;
}

const SELECT = `SELECT c.seq, c.at, c.object_id, c.actor_id, c.kind, c.subresource_id, c.manager_id, c.api_version_id,
  c.parent, c.depth, c.base_version, c.version, c.review_uid, c.hash, c.detail,
  x.outcome, x.reason, x.version AS outcome_version,
  iif(x.n > 0, (SELECT amendment FROM outcomes WHERE seq = c.seq AND amendment IS NOT NULL), x.amendment) AS amendment
  FROM changes c LEFT JOIN outcomes x ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)`;

const OBJECT_ID = `SELECT id FROM objects
  WHERE resource_id = ${RESOURCE_ID} AND namespace_id = ${NAMESPACE_ID} AND name = ? AND uid = ?`;

/**
 * From a change back to the nearest whole body. In one statement: the states of a cluster are rebuilt like this. A parent
 * that points forward, in a damaged file, would never end.
 */
export const LINE = `WITH RECURSIVE line (seq, parent, depth, kind, api_version_id, detail) AS (
  SELECT seq, parent, depth, kind, api_version_id, detail FROM changes WHERE seq = ?
  UNION ALL SELECT c.seq, c.parent, c.depth, c.kind, c.api_version_id, c.detail FROM line l JOIN changes c ON c.seq = l.parent AND c.seq < l.seq
    WHERE l.depth > 0 OR NOT EXISTS (SELECT 1 FROM checkpoints WHERE seq = l.seq))
  SELECT l.*, k.body, k.skips, (SELECT reason FROM outcomes WHERE seq = l.seq ORDER BY n DESC LIMIT 1) AS reason, (SELECT amendment FROM outcomes WHERE seq = l.seq AND amendment IS NOT NULL) AS amendment
  FROM line l LEFT JOIN checkpoints k ON l.depth = 0 AND k.seq = l.seq`;

/** Back to the first change that is not of status alone. */
const ORIGIN = `WITH RECURSIVE line (seq, parent, kind) AS (
  SELECT seq, parent, kind FROM changes WHERE seq = ?
  UNION ALL SELECT c.seq, c.parent, c.kind FROM line l JOIN changes c ON c.seq = l.parent AND c.seq < l.seq
    WHERE (l.kind & ${STATUS_ONLY_MASK}) > 0)
  SELECT min(seq) AS seq FROM line`;

type LineRow = Pick<Row, 'seq' | 'parent' | 'depth' | 'kind' | 'api_version_id' | 'detail' | 'reason' | 'amendment'> & {
  body: Buffer | null;
  skips: Buffer | null;
};

/** Most objects have one change since the last that is known to be real. */
const SHORT_TAIL = 2;

/** What tells which version is real: a third of the cost of whole rows. */
const VERSIONS = `SELECT c.seq, c.at, c.kind, c.parent, c.actor_id, c.manager_id,
  (SELECT outcome FROM outcomes WHERE seq = c.seq ORDER BY n DESC LIMIT 1) AS outcome
  FROM changes c WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq DESC ${LIMIT}`;

type VersionRow = Pick<Row, 'seq' | 'at' | 'kind' | 'parent' | 'actor_id' | 'manager_id' | 'outcome'>;

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

  /** Changes that meet all conditions, newest first. */
  private select(conditions: readonly Condition[], limit: number): StoredChange[] {
    const { sql, values } = where(conditions);
    const rows = this.statements.all<Row>(`${SELECT} ${sql} ORDER BY c.seq DESC ${LIMIT}`, ...values, limit);
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
    return this.statements.all<UserCount>(
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
      for (const row of rows) {
        const change = this.decode(row);
        if (change.effect === 'none') continue;
        found.push(change);
        if (change.outcome === 'committed' && !change.late) return found;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return found;
      below = last.seq - 1;
    }
  }

  versions(objectId: number, maxSeq: number): StoredVersion[] {
    const found: StoredVersion[] = [];
    for (let [below, limit] = [maxSeq, SHORT_TAIL]; ; limit *= 4) {
      const rows = this.statements.all<VersionRow>(VERSIONS, objectId, below, limit);
      for (const row of rows) {
        const facts = decodeFacts(row.kind);
        if (facts.effect === 'none') continue;
        const { seq, at, parent } = row;
        const outcome = outcomeOf(row.outcome, facts.source);
        const manager = this.names.text(row.manager_id);
        found.push({
          ...facts,
          seq,
          at,
          parent,
          outcome,
          manager,
          actor: row.actor_id === null ? null : this.names.actor(row.actor_id),
        });
        if (outcome === 'committed' && !facts.late) return found;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < limit) return found;
      below = last.seq - 1;
    }
  }

  body(seq: number): JsonObject | null {
    const line = this.lineRows(seq);
    const oldest = line.at(-1);
    let body = oldest === undefined ? null : wholeOf(oldest);
    for (const step of line.reverse()) if (step.body === null) body = applyOwnPatch(body, patchOf(step));
    return body;
  }

  lineage(seq: number): StoredStep[] {
    return this.lineRows(seq).map((row) => {
      const { source, effect } = decodeFacts(row.kind);
      return {
        ...{ seq: row.seq, parent: row.parent, source, effect, apiVersion: this.apiVersion(row) },
        explained: isExplained({ source, outcomeReason: reasonOf(row, source) }),
        patch: () => patchOf(row),
        base: () => decodeDetail(row.detail).base ?? null,
        bodySnapshot: () => wholeOf(row),
        skips: () => this.skips(row),
      };
    });
  }

  /** Only those that no fold has cut into; and that go back, as in a damaged file they may not. */
  private skips({ seq, skips, amendment }: LineRow): Skip[] {
    if (skips === null) return [];
    const horizon = this.statements.get<{ seq: number | null }>('SELECT max(through_seq) AS seq FROM folds')?.seq ?? 0;
    return withAmendment(decodeSkips(skips).skips, amendment).filter(({ to }) => to > horizon && to < seq);
  }

  private lineRows(seq: number): LineRow[] {
    const line = this.statements.all<LineRow>(LINE, seq);
    const oldest = line.at(-1);
    if (oldest === undefined) throw new Error(`the ledger has no change ${seq}, which a later one builds on`);
    if (oldest.parent !== null && oldest.body === null) {
      throw new Error(
        oldest.parent < oldest.seq
          ? `the ledger has no change ${oldest.parent}, which a later one builds on`
          : `change ${oldest.seq} builds on change ${oldest.parent}, which is not before it`,
      );
    }
    return line;
  }

  origin(seq: number): number | null {
    return this.statements.get<{ seq: number }>(ORIGIN, seq)?.seq ?? null;
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

  bodySnapshot(seq: number): JsonObject | null {
    const row = this.statements.get<{ body: Buffer; amendment: Buffer | null }>(
      `SELECT body, (SELECT amendment FROM outcomes WHERE seq = k.seq AND amendment IS NOT NULL) AS amendment
        FROM checkpoints k WHERE seq = ?`,
      seq,
    );
    return row === null ? null : wholeOf(row);
  }

  private decode(row: Row): StoredChange {
    const { id: objectId, ...object } = this.names.object(row.object_id);
    const facts = decodeFacts(row.kind);
    const amendment = row.amendment === null ? null : decodeAmendment(row.amendment);
    let detail: Detail | undefined;
    return {
      ...facts,
      seq: row.seq,
      at: row.at,
      objectId,
      object,
      subresource: this.names.text(row.subresource_id),
      manager: this.names.text(row.manager_id),
      apiVersion: amendment?.apiVersion ?? this.names.text(row.api_version_id),
      amended: amendment !== null,
      actor: row.actor_id === null ? null : this.names.actor(row.actor_id),
      parent: row.parent,
      depth: row.depth,
      baseResourceVersion: row.base_version,
      resourceVersion: row.outcome_version ?? row.version,
      reviewUid: decodeUid(row.review_uid),
      hash: amendment?.hash ?? row.hash,
      outcome: outcomeOf(row.outcome, facts.source),
      outcomeReason: reasonOf(row, facts.source),
      detail: () => (detail ??= detailOf(row, amendment)),
    };
  }

  private apiVersion({ api_version_id, amendment }: Pick<Row, 'api_version_id' | 'amendment'>): string {
    return amendment === null ? this.names.text(api_version_id) : decodeAmendment(amendment).apiVersion;
  }
}

function reasonOf({ reason }: Pick<Row, 'reason'>, source: Source): string {
  return OUTCOME_REASONS[reason ?? -1] ?? (source === 'admission' ? '' : OUTCOME_REASONS[0]);
}

/** The whole body that is stored beside a change, with its amendment; null for most. */
function wholeOf({ body, amendment }: { body: Buffer | null; amendment: Buffer | null }): JsonObject | null {
  if (body === null) return null;
  return amendment === null ? decodeBody(body) : applyOwnPatch(decodeBody(body), decodeAmendment(amendment).patch);
}

function detailOf(row: Row, amendment: Amendment | null): Detail {
  const detail = decodeDetail(row.detail);
  return amendment === null ? detail : { ...detail, patch: [...detail.patch, ...amendment.patch] };
}
