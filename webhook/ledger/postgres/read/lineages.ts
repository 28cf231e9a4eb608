import type { JsonObject } from '../../../../shared/types.ts';
import type { StoredStep, StoredVersion } from '../../port/port.ts';
import { STATUS_ONLY_MASK } from '../../sqlite/database/codes.ts';
import { groupBy } from '../../sqlite/read/commits.ts';
import {
  addVersions,
  bodyOf,
  stepOf,
  wholeLine,
  wholeOf,
  type LineRow,
  type VersionRow,
} from '../../sqlite/read/lineage.ts';
import { Batched } from './batched.ts';
import type { Names } from './names.ts';
import type { Statements } from './statements.ts';

/** From each of some changes back to the nearest whole body. */
const LINES = `WITH RECURSIVE line AS (
  SELECT seq AS start, seq, parent, depth, kind, api_version_id, detail FROM changes WHERE ledger = :ledger AND seq = ANY (?::bigint[])
  UNION ALL SELECT l.start, c.seq, c.parent, c.depth, c.kind, c.api_version_id, c.detail FROM line l
    JOIN changes c ON c.ledger = :ledger AND c.seq = l.parent AND c.seq < l.seq
    WHERE l.depth > 0 OR NOT EXISTS (SELECT 1 FROM checkpoints WHERE ledger = :ledger AND seq = l.seq))
  SELECT l.*, k.body, k.skips, (SELECT reason FROM outcomes WHERE ledger = :ledger AND seq = l.seq ORDER BY commit_id DESC, n DESC LIMIT 1) AS reason,
    (SELECT amendment FROM outcomes WHERE ledger = :ledger AND seq = l.seq AND amendment IS NOT NULL LIMIT 1) AS amendment
  FROM line l LEFT JOIN checkpoints k ON l.depth = 0 AND k.ledger = :ledger AND k.seq = l.seq ORDER BY l.start, l.seq DESC`;

/** From each of some changes back to the first one that is not of status alone. */
const ORIGINS = `WITH RECURSIVE line AS (
  SELECT seq AS start, seq, parent, kind FROM changes WHERE ledger = :ledger AND seq = ANY (?::bigint[])
  UNION ALL SELECT l.start, c.seq, c.parent, c.kind FROM line l JOIN changes c ON c.ledger = :ledger AND c.seq = l.parent AND c.seq < l.seq
    WHERE (l.kind & ${STATUS_ONLY_MASK}) > 0)
  SELECT start, min(seq) AS origin FROM line GROUP BY start ORDER BY start`;

/** Of each of some objects the newest changes up to a seq: what tells which version is real. */
const VERSIONS = `SELECT i.place, c.* FROM unnest(?::int[], ?::bigint[], ?::bigint[]) i (place, id, below) CROSS JOIN LATERAL (
  SELECT n.seq, coalesce(n.occurred_at, n.at) AS at, n.kind, n.parent, n.actor_id, n.manager_id,
    (SELECT outcome FROM outcomes WHERE ledger = :ledger AND seq = n.seq ORDER BY commit_id DESC, n DESC LIMIT 1) AS outcome
    FROM changes n WHERE n.ledger = :ledger AND n.object_id = i.id AND n.seq <= i.below ORDER BY n.seq DESC LIMIT ?) c
  ORDER BY i.place, c.seq DESC`;

const SHORT_TAIL = 4;

type StartedRow = LineRow & { start: number };
type PlacedRow = VersionRow & { place: number };

/** Reads states of objects of one ledger. What is asked for side by side is read at once. */
export class Lineages {
  private readonly lines = new Batched<number, StartedRow[]>((seqs) => this.readLines(seqs));
  private readonly versionsOf = new Batched<{ id: number; maxSeq: number }, StoredVersion[]>((keys) =>
    this.readVersions(keys),
  );

  constructor(
    private readonly statements: Statements,
    private readonly names: Names,
  ) {}

  async body(seq: number): Promise<JsonObject | null> {
    return bodyOf(await this.line(seq));
  }

  async lineage(seq: number): Promise<StoredStep[]> {
    const line = await this.line(seq);
    const names = await this.names.of(line);
    // A hub folds nothing.
    return line.map((row) => stepOf(row, names, () => 0));
  }

  async origins(seqs: readonly number[]): Promise<Map<number, number>> {
    if (seqs.length === 0) return new Map();
    const rows = await this.statements.all<{ start: number; origin: number }>(ORIGINS, seqs);
    return new Map(rows.map(({ start, origin }) => [start, origin]));
  }

  async bodySnapshot(seq: number): Promise<JsonObject | null> {
    const row = await this.statements.get<{ body: Buffer; amendment: Buffer | null }>(
      `SELECT body, (SELECT amendment FROM outcomes WHERE ledger = :ledger AND seq = k.seq AND amendment IS NOT NULL LIMIT 1) AS amendment
        FROM checkpoints k WHERE ledger = :ledger AND seq = ?`,
      seq,
    );
    return row === null ? null : wholeOf(row);
  }

  versions(id: number, maxSeq: number): Promise<StoredVersion[]> {
    return this.versionsOf.load({ id, maxSeq });
  }

  private async line(seq: number): Promise<StartedRow[]> {
    return wholeLine(await this.lines.load(seq), seq);
  }

  private async readLines(seqs: readonly number[]): Promise<StartedRow[][]> {
    const rows = await this.statements.all<StartedRow>(LINES, [...new Set(seqs)]);
    const found = groupBy(rows, ({ start }) => start);
    return seqs.map((seq) => found.get(seq) ?? []);
  }

  private async readVersions(keys: readonly { id: number; maxSeq: number }[]): Promise<StoredVersion[][]> {
    const found = keys.map((): StoredVersion[] => []);
    let open = keys.map(({ id, maxSeq }, place) => ({ place, id, below: maxSeq }));
    for (let limit = SHORT_TAIL; open.length > 0; limit *= 4) {
      const rows = await this.statements.all<PlacedRow>(
        VERSIONS,
        open.map(({ place }) => place),
        open.map(({ id }) => id),
        open.map(({ below }) => below),
        limit,
      );
      const names = await this.names.of(rows);
      const byPlace = groupBy(rows, ({ place }) => place);
      open = open.filter((each) => {
        const own = byPlace.get(each.place) ?? [];
        const ended = addVersions(found[each.place] ?? [], own, names);
        each.below = (own.at(-1)?.seq ?? 0) - 1;
        return !ended && own.length === limit;
      });
    }
    return found;
  }
}
