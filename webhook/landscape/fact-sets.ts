import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Facts } from '../../shared/landscape/types.ts';
import { compress, decompress } from '../store/payload.ts';
import type { Sqlite } from '../store/sqlite/open.ts';
import { Statements } from '../store/sqlite/statements.ts';

export const SET_TABLES = `
  CREATE TABLE sets (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL, -- a hash of the text: what is found by it must be looked at
    facts BLOB NOT NULL
  ) STRICT;
  CREATE INDEX sets_by_place ON sets (place);
`;

/** More than a large cluster has at a moment. */
const REMEMBERED = 30_000;

/** Facts, each kept once, by their number. */
export class FactSets {
  private readonly ids = new LRUCache<string, number>({ max: 2_000 });
  private readonly facts = new LRUCache<number, Facts>({ maxSize: REMEMBERED, sizeCalculation: () => 1 });
  private readonly statements: Statements;

  constructor(db: Sqlite) {
    this.statements = new Statements(db);
  }

  idOf(facts: Facts): number {
    const text = JSON.stringify(facts);
    const known = this.ids.get(text);
    if (known !== undefined) return known;
    const place = createHash('sha256').update(text).digest().readUIntBE(0, 6);
    const rows = this.statements.all<{ id: number; facts: Buffer }>('SELECT id, facts FROM sets WHERE place = ?', place);
    const found = rows.find((row) => decompress(row.facts) === text)?.id;
    const id = found ?? this.add(place, text);
    this.ids.set(text, id);
    return id;
  }

  of(id: number): Facts {
    const known = this.facts.get(id);
    if (known !== undefined) return known;
    const row = this.statements.get<{ facts: Buffer }>('SELECT facts FROM sets WHERE id = ?', id);
    if (row === null) throw new Error(`there are no facts ${id}`);
    const facts = JSON.parse(decompress(row.facts)) as Facts;
    this.facts.set(id, facts);
    return facts;
  }

  /** After a transaction that was rolled back. */
  forget(): void {
    this.ids.clear();
    this.facts.clear();
  }

  private add(place: number, text: string): number {
    const sql = 'INSERT INTO sets (place, facts) VALUES (?, ?) RETURNING id';
    return this.statements.get<{ id: number }>(sql, place, compress(text))?.id ?? 0;
  }
}
