import { applyOwnPatch } from '../../../../shared/patch.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { decodeAmendment, decodeBody, decodeDetail, patchOf } from '../../content/payload.ts';
import { isExplained, type StoredChange, type StoredStep, type StoredVersion } from '../../port/port.ts';
import { decodeFacts, outcomeOf, STATUS_ONLY_MASK } from '../database/codes.ts';
import { reasonOf, type Row } from '../store/decoded-change.ts';
import type { Statements } from '../database/statements.ts';
import type { Names } from './names.ts';
import { decodeSkips, withAmendment } from './skips.ts';

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

/** From each of some changes back to the first one that is not of status alone. */
const ORIGINS = `WITH RECURSIVE line (start, seq, parent, kind) AS (
  SELECT seq, seq, parent, kind FROM changes WHERE seq IN (SELECT value FROM json_each(?))
  UNION ALL SELECT l.start, c.seq, c.parent, c.kind FROM line l JOIN changes c ON c.seq = l.parent AND c.seq < l.seq
    WHERE (l.kind & ${STATUS_ONLY_MASK}) > 0)
  SELECT start, min(seq) AS origin FROM line GROUP BY start`;

/** A step of the way from a change back to the nearest whole body. */
export interface LineRow {
  seq: number;
  parent: number | null;
  depth: number;
  kind: number;
  api_version_id: number;
  detail: Buffer;
  reason: number | null;
  amendment: Buffer | null;
  body: Buffer | null;
  skips: Buffer | null;
}

/** Reads states of objects: the changes that lead to one, from the nearest whole body on. */
export class Lineages {
  constructor(
    private readonly statements: Statements,
    private readonly names: Names,
  ) {}

  body(seq: number): JsonObject | null {
    return bodyOf(this.lineRows(seq));
  }

  lineage(seq: number): StoredStep[] {
    const horizon = (): number =>
      this.statements.get<{ seq: number | null }>('SELECT max(through_seq) AS seq FROM folds')?.seq ?? 0;
    return this.lineRows(seq).map((row) => stepOf(row, this.names, horizon));
  }

  private lineRows(seq: number): LineRow[] {
    return wholeLine(this.statements.all<LineRow>(LINE, seq), seq);
  }

  origins(seqs: readonly number[]): Map<number, number> {
    if (seqs.length === 0) return new Map();
    const rows = this.statements.all<{ start: number; origin: number }>(ORIGINS, JSON.stringify(seqs));
    return new Map(rows.map(({ start, origin }) => [start, origin]));
  }

  bodySnapshot(seq: number): JsonObject | null {
    const row = this.statements.get<{ body: Buffer; amendment: Buffer | null }>(
      `SELECT body, (SELECT amendment FROM outcomes WHERE seq = k.seq AND amendment IS NOT NULL) AS amendment
        FROM checkpoints k WHERE seq = ?`,
      seq,
    );
    return row === null ? null : wholeOf(row);
  }
}

/** The steps back from a change, newest first. Throws where they do not lead to a whole body. */
export function wholeLine<Row extends LineRow>(line: Row[], seq: number): Row[] {
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

/** The body after the newest of some steps, newest first. */
export function bodyOf(line: readonly LineRow[]): JsonObject | null {
  const oldest = line.at(-1);
  let body = oldest === undefined ? null : wholeOf(oldest);
  for (const step of [...line].reverse()) if (step.body === null) body = applyOwnPatch(body, patchOf(step));
  return body;
}

/** A step as the port has it. `horizon`: the last change that was folded, 0 for none. */
export function stepOf(row: LineRow, names: Pick<Names, 'text'>, horizon: () => number): StoredStep {
  const { seq, parent, amendment, skips } = row;
  const { source, effect } = decodeFacts(row.kind);
  return {
    ...{ seq, parent, source, effect },
    apiVersion: amendment === null ? names.text(row.api_version_id) : decodeAmendment(amendment).apiVersion,
    explained: isExplained({ source, outcomeReason: reasonOf(row, source) }),
    patch: () => patchOf(row),
    base: () => decodeDetail(row.detail).base ?? null,
    bodySnapshot: () => wholeOf(row),
    skips: () => {
      if (skips === null) return [];
      const folded = horizon();
      // Only those that no fold has cut into; and that go back, as in a damaged file they may not.
      return withAmendment(decodeSkips(skips).skips, amendment).filter(({ to }) => to > folded && to < seq);
    },
  };
}

/** The whole body that is stored beside a change, with its amendment; null for most. */
export function wholeOf({ body, amendment }: { body: Buffer | null; amendment: Buffer | null }): JsonObject | null {
  if (body === null) return null;
  return amendment === null ? decodeBody(body) : applyOwnPatch(decodeBody(body), decodeAmendment(amendment).patch);
}

export type VersionRow = Pick<Row, 'seq' | 'at' | 'kind' | 'parent' | 'actor_id' | 'manager_id' | 'outcome'>;

/** Adds versions, newest first, as far as the last one that is known to be real: true where that is among them. */
export function addVersions(
  found: StoredVersion[],
  rows: readonly VersionRow[],
  names: Pick<Names, 'text' | 'actor'>,
): boolean {
  for (const { seq, at, parent, kind, outcome: code, actor_id, manager_id } of rows) {
    const facts = decodeFacts(kind);
    const outcome = outcomeOf(code, facts.source);
    const actor = actor_id === null ? null : names.actor(actor_id);
    if (addIfVersion(found, { ...facts, seq, at, parent, outcome, manager: names.text(manager_id), actor }))
      return true;
  }
  return false;
}

/** The same of whole changes, of which no more is taken than needed. */
export function addChanges(found: StoredChange[], changes: Iterable<StoredChange>): boolean {
  for (const change of changes) if (addIfVersion(found, change)) return true;
  return false;
}

function addIfVersion<Version extends Pick<StoredVersion, 'effect' | 'outcome' | 'late'>>(
  found: Version[],
  version: Version,
): boolean {
  if (version.effect === 'none') return false;
  found.push(version);
  return version.outcome === 'committed' && !version.late;
}
