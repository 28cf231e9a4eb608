import type { EventTotals } from '../../port/events.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import {
  COVERAGE_EVENTS,
  type ChangeFilter,
  type FactsAt,
  type LedgerStore,
  type NewCoverage,
  type ObjectFilter,
  type StoredChange,
  type StoredCommit,
  type StoredObject,
  type StoredStep,
  type StoredVersion,
  type UserCount,
} from '../../port/port.ts';
import { EFFECT_MASK } from '../../sqlite/database/codes.ts';
import { commitsOf, type CommitRow, type CoverageRow, type OutcomeRow } from '../../sqlite/read/commits.ts';
import { FORMAT } from '../../sqlite/database/schema.ts';
import type { Db } from '../database/pool.ts';
import { Batched } from './batched.ts';
import { ChangeRows } from './change-rows.ts';
import { Lineages } from './lineages.ts';
import { Names } from './names.ts';
import { Objects } from './objects.ts';
import { Statements } from './statements.ts';

const LAST_SEQ = Number.MAX_SAFE_INTEGER;

/** By bisection: `at` never falls as seq rises. */
const SEQ_AT = `WITH RECURSIVE b (low, high) AS (
  SELECT 0::bigint, coalesce((SELECT max(seq) FROM changes WHERE ledger = :ledger), 0)
  UNION ALL SELECT CASE WHEN m.at <= ? THEN m.seq ELSE b.low END, CASE WHEN m.at <= ? THEN b.high ELSE (b.low + b.high + 1) / 2 - 1 END
    FROM b CROSS JOIN LATERAL (SELECT seq, at FROM changes WHERE ledger = :ledger AND seq >= (b.low + b.high + 1) / 2 ORDER BY seq LIMIT 1) m
    WHERE b.low < b.high)
  SELECT low AS seq FROM b WHERE low >= high LIMIT 1`;

/** What writes, and what is about a file, a ledger at the hub does not have: it is pushed. */
type ReadStore = Omit<LedgerStore, 'append' | 'taken' | 'bytes' | 'checkWritable' | 'takeEvents' | 'eventsWritten'>;

/** A ledger at the hub, as the port has it. Several ledgers share the pool: closing one leaves it open. */
export class PostgresStore implements ReadStore {
  readonly format = FORMAT;
  private readonly statements: Statements;
  private readonly rows: ChangeRows;
  private readonly objectRows: Objects;
  private readonly lineages: Lineages;
  private readonly changesAt = new Batched<number, StoredChange | null>(async (seqs) => {
    const found = new Map((await this.rows.changesAt(seqs)).map((change) => [change.seq, change]));
    return seqs.map((seq) => found.get(seq) ?? null);
  });
  private readonly lifetimes = new Batched<{ id: number; withoutActs: boolean }, Lifetime | null>((keys) =>
    this.readLifetimes(keys),
  );

  /** `cluster`: as the hub calls it; `id`: of the ledger. */
  constructor(
    db: Db,
    ledger: number,
    readonly cluster: string,
    readonly id: Buffer,
  ) {
    this.statements = new Statements(db, ledger);
    const names = new Names(this.statements);
    this.rows = new ChangeRows(this.statements, names);
    this.objectRows = new Objects(this.statements);
    this.lineages = new Lineages(this.statements, names);
  }

  last(): Promise<{ seq: number; at: number } | null> {
    return this.statements.get('SELECT seq, at FROM changes WHERE ledger = :ledger ORDER BY seq DESC LIMIT 1');
  }

  first(): Promise<{ seq: number; at: number } | null> {
    return this.statements.get(
      `SELECT seq, least(at, (SELECT min(occurred_at) FROM changes WHERE ledger = :ledger AND occurred_at IS NOT NULL)) AS at
        FROM changes WHERE ledger = :ledger ORDER BY seq LIMIT 1`,
    );
  }

  async seqAt(at: number): Promise<number> {
    return (await this.statements.get<{ seq: number }>(SEQ_AT, at, at))?.seq ?? 0;
  }

  resources(): Promise<{ group: string; resource: string; kind: string }[]> {
    const sql =
      'SELECT api_group AS "group", resource, kind FROM resources WHERE ledger = :ledger ORDER BY api_group, resource';
    return this.statements.all(sql);
  }

  objects(filter: ObjectFilter, limit: number, after?: number): Promise<StoredObject[]> {
    return this.objectRows.list(filter, limit, after);
  }

  mayExist(filter: ObjectFilter, after?: number): Promise<{ objects: StoredObject[]; next: number | null }> {
    return this.objectRows.mayExist(filter, after);
  }

  changes(filter: ChangeFilter, limit: number): Promise<StoredChange[]> {
    return this.rows.changes(filter, limit);
  }

  users(filter: Omit<ChangeFilter, 'username' | 'labels'>, status: boolean): Promise<UserCount[]> {
    return this.rows.users(filter, status);
  }

  tail(objectId: number, maxSeq = LAST_SEQ): Promise<StoredChange[]> {
    return this.rows.tail(objectId, maxSeq);
  }

  versions(objectId: number, maxSeq = LAST_SEQ): Promise<StoredVersion[]> {
    return this.lineages.versions(objectId, maxSeq);
  }

  change(seq: number): Promise<StoredChange | null> {
    return this.changesAt.load(seq);
  }

  bodySnapshot(seq: number): Promise<JsonObject | null> {
    return this.lineages.bodySnapshot(seq);
  }

  body(seq: number): Promise<JsonObject | null> {
    return this.lineages.body(seq);
  }

  origins(seqs: readonly number[]): Promise<Map<number, number>> {
    return this.lineages.origins(seqs);
  }

  explanation(seq: number): Promise<StoredChange | null> {
    return this.rows.explanation(seq);
  }

  lineage(seq: number): Promise<StoredStep[]> {
    return this.lineages.lineage(seq);
  }

  hasAudit(id: string): Promise<boolean> {
    return this.rows.hasAudit(id);
  }

  hasBackdated(): Promise<boolean> {
    return this.rows.hasBackdated();
  }

  backdated(objectId: number, at: number): Promise<StoredChange | null> {
    return this.rows.backdated(objectId, at);
  }

  openAttempts(fromSeq: number, limit: number): Promise<StoredChange[]> {
    return this.rows.openAttempts(fromSeq, limit);
  }

  acts(object: ObjectRef, subresource: string, limit: number): Promise<StoredChange[]> {
    return this.rows.acts(object, subresource, limit);
  }

  incarnations(key: Omit<ObjectRef, 'uid' | 'kind'>): Promise<StoredObject[]> {
    return this.objectRows.incarnations(key);
  }

  lifetime(objectId: number, withoutActs = false): Promise<Lifetime | null> {
    return this.lifetimes.load({ id: objectId, withoutActs });
  }

  /** They are derived from states, by the same code. */
  facts(): Promise<FactsAt[] | null> {
    return Promise.resolve(null);
  }

  async coverage(): Promise<NewCoverage[]> {
    const rows = await this.statements.all<{ at: number; event: number; detail: string }>(
      'SELECT at, event, detail FROM coverage WHERE ledger = :ledger ORDER BY id',
    );
    return rows.map(({ at, event, detail }) => ({ at, event: COVERAGE_EVENTS[event] ?? 'alive', detail }));
  }

  /** Kubernetes Events are not pushed yet: they stay at their source. */
  events(): Promise<never[]> {
    return Promise.resolve([]);
  }

  eventSums(): Promise<never[]> {
    return Promise.resolve([]);
  }

  eventTotals(): Promise<EventTotals> {
    return Promise.resolve({ events: 0, states: 0, merged: 0, summed: 0, removed: 0, horizonAt: 0, bytes: 0 });
  }

  async commits(after: number, limit: number): Promise<StoredCommit[]> {
    const { statements } = this;
    const rows = await statements.all<CommitRow>(
      'SELECT id, at, last_seq, hash FROM commits WHERE ledger = :ledger AND id > ? ORDER BY id LIMIT ?',
      ...[after, limit],
    );
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return [];
    const [before, outcomes, coverage] = await Promise.all([
      statements.get<{ last_seq: number }>(
        'SELECT last_seq FROM commits WHERE ledger = :ledger AND id < ? ORDER BY id DESC LIMIT 1',
        first.id,
      ),
      statements.all<OutcomeRow>(
        'SELECT commit_id, seq, outcome, reason, version FROM outcomes WHERE ledger = :ledger AND commit_id BETWEEN ? AND ? ORDER BY seq, commit_id, n',
        ...[first.id, last.id],
      ),
      statements.all<CoverageRow>(
        'SELECT commit_id, at, event, detail FROM coverage WHERE ledger = :ledger AND commit_id BETWEEN ? AND ? ORDER BY id',
        ...[first.id, last.id],
      ),
    ]);
    return commitsOf(rows, outcomes, coverage, before?.last_seq ?? 0);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async readLifetimes(keys: readonly { id: number; withoutActs: boolean }[]): Promise<(Lifetime | null)[]> {
    const rows = await this.statements.all<{ place: number } & Lifetime>(
      `SELECT i.place, min(coalesce(c.occurred_at, c.at)) AS "firstAt", max(coalesce(c.occurred_at, c.at)) AS "lastAt"
        FROM unnest(?::int[], ?::bigint[], ?::boolean[]) i (place, id, without) JOIN changes c ON c.ledger = :ledger AND c.object_id = i.id
        WHERE NOT i.without OR (c.kind & ${EFFECT_MASK}) > 0 GROUP BY i.place`,
      keys.map((_, place) => place),
      keys.map(({ id }) => id),
      keys.map(({ withoutActs }) => withoutActs),
    );
    const found = new Map(rows.map(({ place, firstAt, lastAt }) => [place, { firstAt, lastAt }]));
    return keys.map((_, place) => found.get(place) ?? null);
  }
}

interface Lifetime {
  firstAt: number;
  lastAt: number;
}
