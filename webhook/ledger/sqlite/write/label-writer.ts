import { LRUCache } from 'lru-cache';
import type { Patch } from '../../../../shared/types.ts';
import { NO_LABELS, placeOfSet, placesOf, stepLabels } from '../../content/labels.ts';
import type { Sqlite } from '../database/open.ts';

/** How many objects' labels are remembered; those of others are looked up. */
const REMEMBERED = 20_000;

/** The set of labels that an object had at a seq: that of the last change up to there which began one. */
export const LABELS_AT = `SELECT labels_id FROM changes WHERE object_id = ? AND seq <= ? AND labels_id IS NOT NULL
  ORDER BY seq DESC LIMIT 1`;

interface Labelled {
  seq: number;
  parent: number | null;
  /** labelSteps(); empty where the labels are those of the parent, or, without one, those that the object had. */
  labels: Patch;
}

interface LabelSet {
  id: number;
  text: string;
}

/** Tells of each change whether its object has other labels from there on, and adds sets of labels that are new. */
export class LabelWriter {
  /** Of objects, their last change and its labels. */
  private readonly last = new LRUCache<number, { seq: number; id: number }>({ max: REMEMBERED });
  private readonly sets = new LRUCache<string, number>({ max: REMEMBERED });
  private readonly statements;

  constructor(db: Sqlite) {
    this.statements = {
      at: db.prepare(LABELS_AT).pluck(),
      text: db.prepare('SELECT labels FROM label_sets WHERE id = ?').pluck(),
      find: db
        .prepare(
          'SELECT s.id FROM label_index i JOIN label_sets s ON s.id = i.set_id WHERE i.place = ? AND s.labels = ?',
        )
        .pluck(),
      add: db.prepare('INSERT INTO label_sets (labels) VALUES (?)'),
      index: db.prepare('INSERT INTO label_index (place, set_id) VALUES (?, ?)'),
    };
  }

  /** The labels that begin with a change; null where they are those of the change before it, of the same object. */
  from(objectId: number, change: Labelled): LabelSet | null {
    const last = this.last.get(objectId) ?? this.find(objectId);
    const id = this.idOf(objectId, change, last);
    this.last.set(objectId, { seq: change.seq, id });
    return id === last?.id ? null : { id, text: this.textOf(id) };
  }

  /** After a transaction that was rolled back, or ids that were removed. */
  forget(): void {
    this.last.clear();
    this.sets.clear();
  }

  private idOf(objectId: number, { parent, labels }: Labelled, last: { seq: number; id: number } | null): number {
    if (labels.length === 0) {
      if (last !== null && (parent === null || parent === last.seq)) return last.id;
      return this.at(objectId, parent) ?? this.intern(NO_LABELS);
    }
    const before = this.at(objectId, parent);
    return this.intern(stepLabels(before === null ? NO_LABELS : this.textOf(before), labels));
  }

  private find(objectId: number): { seq: number; id: number } | null {
    const id = this.at(objectId, Number.MAX_SAFE_INTEGER);
    // Which change was the last does not matter: its parent's labels are then looked up.
    return id === null ? null : { seq: 0, id };
  }

  private at(objectId: number, seq: number | null): number | null {
    return seq === null ? null : ((this.statements.at.get(objectId, seq) as number | undefined) ?? null);
  }

  private textOf(id: number): string {
    return this.statements.text.get(id) as string;
  }

  private intern(text: string): number {
    const known = this.sets.get(text);
    if (known !== undefined) return known;
    const id = (this.statements.find.get(placeOfSet(text), text) as number | undefined) ?? this.add(text);
    this.sets.set(text, id);
    return id;
  }

  private add(text: string): number {
    const id = Number(this.statements.add.run(text).lastInsertRowid);
    for (const place of placesOf(text)) this.statements.index.run(place, id);
    return id;
  }
}
