import { apiVersionOf } from '../../../shared/normalise.ts';
import { applyPatch, hashBody } from '../../../shared/patch.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { compress, decodeAmendment, decodeBody, detailText, patchOf } from '../payload.ts';
import { placesOf } from '../labels.ts';
import type { ChainedFold } from './chain.ts';
import type { CommitRow } from './chained-rows.ts';
import { decodeFacts, encodeFacts } from './codes.ts';
import type { Sqlite } from './open.ts';

const COMMITTED = 1;
const DROPPED = 2;

interface VersionRow {
  seq: number;
  parent: number | null;
  kind: number;
  outcome: number | null;
}

interface BodyRow {
  parent: number | null;
  detail: Buffer;
  body: Buffer | null;
  amendment: Buffer | null;
}

/** Decides, for the objects that the folded commits touch, what of them stays; then removes the rest. */
export class Keep {
  private readonly kept = new Set<number>();
  private readonly bases = new Set<number>();
  private readonly objects: number[];
  private readonly select;

  constructor(
    private readonly db: Sqlite,
    /** The fold before. */
    private readonly last: ChainedFold | null,
    private readonly through: CommitRow,
  ) {
    this.objects = db
      .prepare('SELECT DISTINCT object_id FROM changes WHERE seq > ? AND seq <= ?')
      .pluck()
      .all(last?.throughSeq ?? 0, through.lastSeq) as number[];
    this.select = db.prepare<unknown[], GivenUpRow>(
      `SELECT seq, actor_id AS actor, subresource_id AS subresource, manager_id AS manager, api_version_id AS apiVersion,
        namespace_id AS namespace, labels_id AS labels FROM changes WHERE object_id = ? AND seq <= ? ORDER BY seq`,
    );
  }

  /** Returns how many changes were removed. */
  apply(): number {
    for (const object of this.objects) this.choose(object);
    const rows = this.objects.flatMap((object) => this.giveUp(object));
    const removed = rows.filter(({ seq }) => !this.bases.has(seq));
    for (const seq of this.bases) this.rebase(seq);
    for (const { seq } of removed) {
      this.removeBeside(seq);
      this.db.prepare('DELETE FROM changes WHERE seq = ?').run(seq);
    }
    this.removeUnused(rows);
    return removed.length;
  }

  private choose(object: number): void {
    const { db, through } = this;
    // What it was then: its last committed version, and the attempts since. Of one that had ended, nothing.
    const versions = db
      .prepare(
        `SELECT c.seq, c.parent, c.kind, x.outcome FROM changes c LEFT JOIN outcomes x
          ON x.seq = c.seq AND x.n = (SELECT max(n) FROM outcomes WHERE seq = c.seq)
          WHERE c.object_id = ? AND c.seq <= ? ORDER BY c.seq DESC`,
      )
      .all(object, through.lastSeq) as VersionRow[];
    const chosen: number[] = [];
    for (const version of versions) {
      const { effect, source, late } = decodeFacts(version.kind);
      const outcome = version.outcome ?? (source === 'admission' ? null : COMMITTED);
      if (effect === 'none' || late || outcome === DROPPED) continue;
      if (outcome === COMMITTED && effect === 'deleted') break;
      chosen.push(version.seq);
      if (outcome === COMMITTED) break;
    }
    // What a later change builds on, and what a later commit tells the outcome of.
    const later = `SELECT parent FROM changes WHERE object_id = ? AND seq > ? AND parent <= ?
      UNION SELECT c.seq FROM changes c JOIN outcomes x ON x.seq = c.seq WHERE c.object_id = ? AND c.seq <= ? AND x.commit_id > ?`;
    const seqs = [object, through.lastSeq, through.lastSeq, object, through.lastSeq, through.id];
    chosen.push(
      ...(db
        .prepare(later)
        .pluck()
        .all(...seqs) as number[]),
    );
    chosen.push(...this.lastLabels(object, chosen));
    const bySeq = new Map(versions.map((version) => [version.seq, version]));
    for (const seq of chosen) this.kept.add(seq);
    // A kept change shows what it changed only where the state before it is there: that one begins the history now.
    for (const seq of chosen) {
      const parent = bySeq.get(seq)?.parent ?? null;
      if (parent !== null && !this.kept.has(parent)) this.bases.add(parent);
    }
  }

  /** The change to keep so that a later one, which says nothing of its labels, still has those that it had. */
  private lastLabels(object: number, chosen: readonly number[]): number[] {
    const { lastSeq } = this.through;
    const sql = 'SELECT labels_id FROM changes WHERE object_id = ? AND seq > ? ORDER BY seq LIMIT 1';
    const next = this.db.prepare(sql).pluck().get(object, lastSeq) as number | null | undefined;
    // There is none, or it begins with labels of its own.
    if (next !== null) return [];
    const ofLast =
      'SELECT max(seq) AS last, max(iif(labels_id IS NULL, 0, seq)) AS since FROM changes WHERE object_id = ? AND seq <= ?';
    const { last, since } = this.db.prepare(ofLast).get(object, lastSeq) as { last: number; since: number };
    return chosen.some((seq) => seq >= since) ? [] : [last];
  }

  /** The rows of an object that are not kept. What is kept of it gets its labels where they began with one of those. */
  private giveUp(object: number): GivenUpRow[] {
    const rows = this.select.all(object, this.through.lastSeq);
    const relabel = this.db.prepare('UPDATE changes SET labels_id = ? WHERE seq = ?');
    let [labels, known]: [number | null, number | null] = [null, null];
    for (const row of rows) {
      labels = row.labels ?? labels;
      if (!this.kept.has(row.seq) && !this.bases.has(row.seq)) continue;
      if (row.labels === null && labels !== known) relabel.run(labels, row.seq);
      known = labels;
    }
    return rows.filter(({ seq }) => !this.kept.has(seq));
  }

  /** Turns a change into a beginning: the whole body, as a fact, from nobody. Its time and version stay. */
  private rebase(seq: number): void {
    const { db } = this;
    const row = db
      .prepare(
        `SELECT c.kind, c.parent, coalesce((SELECT version FROM outcomes WHERE seq = c.seq AND version <> '' ORDER BY n DESC
          LIMIT 1), c.version) AS version FROM changes c WHERE c.seq = ?`,
      )
      .get(seq) as { kind: number; parent: number | null; version: string };
    const body = this.bodyOf(seq);
    const { late } = decodeFacts(row.kind);
    const effect = body === null ? 'deleted' : 'created';
    const kind = encodeFacts({ operation: 'CREATE', source: 'baseline', effect, statusOnly: false, late });
    const patch = body === null ? [] : [{ op: 'add' as const, path: '', value: body }];
    const detail = compress(detailText({ patch, options: null, cause: null, notBefore: null, managersHint: [] }));
    const none = this.textId('');
    // With its amendment, if it has one; where its own body was not known, that is known now.
    db.prepare(
      `UPDATE changes SET kind = ?, actor_id = NULL, subresource_id = ?, manager_id = ?, api_version_id = ?, parent = NULL,
        base_version = '', version = ?, review_uid = '', hash = ?, detail = ? WHERE seq = ?`,
    ).run(kind, none, none, this.textId(apiVersionOf(body)), row.version, hashBody(body), detail, seq);
    this.removeBeside(seq);
  }

  private textId(text: string): number {
    this.db.prepare('INSERT OR IGNORE INTO texts (value) VALUES (?)').run(text);
    return this.db.prepare('SELECT id FROM texts WHERE value = ?').pluck().get(text) as number;
  }

  /** As shared/reconstruct.ts does, within the transaction. */
  private bodyOf(seq: number): JsonObject | null {
    const select = this.db.prepare(
      `SELECT c.parent, c.detail, k.body, (SELECT amendment FROM outcomes WHERE seq = c.seq AND amendment IS NOT NULL) AS amendment
        FROM changes c LEFT JOIN checkpoints k ON k.seq = c.seq WHERE c.seq = ?`,
    );
    const patches = [];
    let body: JsonObject | null = null;
    for (let at: number | null = seq; at !== null;) {
      const row = select.get(at) as BodyRow;
      if (row.body !== null) {
        body = decodeBody(row.body);
        if (row.amendment !== null) body = applyPatch(body, decodeAmendment(row.amendment).patch);
        break;
      }
      patches.push(patchOf(row));
      at = row.parent;
    }
    return patches.reduceRight((state, patch) => applyPatch(state, patch), body);
  }

  private removeBeside(seq: number): void {
    this.db.prepare('DELETE FROM checkpoints WHERE seq = ?').run(seq);
    this.db.prepare('DELETE FROM outcomes WHERE seq = ?').run(seq);
  }

  /** Objects, users and texts that nothing refers to any more, but the last of each: an id is never given twice. */
  private removeUnused(rows: readonly GivenUpRow[]): void {
    const { db } = this;
    const each = (ids: Iterable<number | null>, table: string, uses: string[]): void => {
      const used = uses.map((use) => `NOT EXISTS (SELECT 1 FROM ${use} = t.id)`).join(' AND ');
      const sql = `DELETE FROM ${table} AS t WHERE id = ? AND id < (SELECT max(id) FROM ${table}) AND ${used}`;
      const statement = db.prepare(sql);
      for (const id of new Set(ids)) if (id !== null) statement.run(id);
    };
    // With those that the fold before spared for being the last.
    each([...this.objects, this.last?.lastObject ?? null], 'objects', ['changes WHERE object_id']);
    each([...rows.map(({ actor }) => actor), this.last?.lastActor ?? null], 'actors', ['changes WHERE actor_id']);
    this.removeLabels(new Set(rows.flatMap(({ labels }) => (labels === null ? [] : [labels]))));
    const texts = rows.flatMap((row) => [row.subresource, row.manager, row.apiVersion, row.namespace]);
    each([...texts, this.last?.lastText ?? null], 'texts', [
      'objects WHERE namespace_id',
      'changes WHERE subresource_id',
      'changes WHERE manager_id',
      'changes WHERE api_version_id',
    ]);
  }

  /** Sets of labels that no change has any more, with what they are found by. */
  private removeLabels(sets: Iterable<number>): void {
    const { db } = this;
    const text = db
      .prepare('SELECT labels FROM label_sets WHERE id = ? AND NOT EXISTS (SELECT 1 FROM changes WHERE labels_id = ?)')
      .pluck();
    const unindex = db.prepare('DELETE FROM label_index WHERE place = ? AND set_id = ?');
    const remove = db.prepare('DELETE FROM label_sets WHERE id = ?');
    for (const id of sets) {
      const labels = text.get(id, id) as string | undefined;
      if (labels === undefined) continue;
      for (const place of placesOf(labels)) unindex.run(place, id);
      remove.run(id);
    }
  }
}

/** What a row refers to that may not be referred to after it. */
interface GivenUpRow {
  seq: number;
  actor: number | null;
  subresource: number;
  manager: number;
  apiVersion: number;
  namespace: number;
  labels: number | null;
}
