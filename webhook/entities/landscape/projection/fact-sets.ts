import { LRUCache } from 'lru-cache';
import type { Facts } from '../../../../shared/landscape/types.ts';
import { compress, decompress } from '../../../ledger/content/payload.ts';
import type { Sqlite } from '../../../ledger/sqlite/database/open.ts';
import { Statements } from '../../../ledger/sqlite/database/statements.ts';

export const SET_TABLES = `
  CREATE TABLE sets (
    id INTEGER PRIMARY KEY,
    base INTEGER, -- the facts that it is told by, where only a part of their text changed
    depth INTEGER NOT NULL, -- how many such steps it is from a whole text
    start INTEGER NOT NULL, -- how much is the same at the beginning
    rest INTEGER NOT NULL, -- and at the end
    facts BLOB NOT NULL -- what is in between; compressed where it is all
  ) STRICT;
`;

/** More than a large cluster has at a moment. */
const REMEMBERED = 30_000;
/** Texts: of objects that change now. */
const TEXTS = 3_000;
/** Each costs one more row to read. */
const MAX_DEPTH = 8;

interface Row {
  base: number | null;
  depth: number;
  start: number;
  rest: number;
  facts: Buffer;
}

/** Facts by their number. Of an object's next facts mostly a few letters differ: an image's tag, an uid. */
export class FactSets {
  private readonly ids = new LRUCache<string, number>({ max: TEXTS });
  private readonly texts = new LRUCache<number, { text: string; depth: number }>({ max: TEXTS });
  private readonly facts = new LRUCache<number, Facts>({ maxSize: REMEMBERED, sizeCalculation: () => 1 });
  private readonly statements: Statements;

  constructor(db: Sqlite) {
    this.statements = new Statements(db);
  }

  /** `base`: the object's facts before; null where it had none. */
  idOf(facts: Facts, base: number | null): number {
    const text = JSON.stringify(facts);
    const before = base === null ? null : this.textOf(base);
    if (base !== null && before?.text === text) return base;
    const known = this.ids.get(text);
    if (known !== undefined) return known;
    const id = before === null || base === null || before.depth >= MAX_DEPTH ? this.addWhole(text) : this.addPart(text, base, before); // prettier-ignore
    this.ids.set(text, id);
    return id;
  }

  of(id: number): Facts {
    const known = this.facts.get(id);
    if (known !== undefined) return known;
    const facts = JSON.parse(this.textOf(id).text) as Facts;
    this.facts.set(id, facts);
    return facts;
  }

  /** After a transaction that was rolled back. */
  forget(): void {
    for (const cache of [this.ids, this.texts, this.facts]) cache.clear();
  }

  private textOf(id: number): { text: string; depth: number } {
    const known = this.texts.get(id);
    if (known !== undefined) return known;
    const row = this.statements.get<Row>('SELECT base, depth, start, rest, facts FROM sets WHERE id = ?', id);
    if (row === null) throw new Error(`there are no facts ${id}`);
    const read = { text: row.base === null ? decompress(row.facts) : this.patched(row.base, row), depth: row.depth };
    this.texts.set(id, read);
    return read;
  }

  private patched(base: number, { start, rest, facts }: Row): string {
    const { text } = this.textOf(base);
    return text.slice(0, start) + facts.toString() + text.slice(text.length - rest);
  }

  private addWhole(text: string): number {
    return this.add(text, { base: null, depth: 0, start: 0, rest: 0, facts: compress(text) });
  }

  private addPart(text: string, base: number, before: { text: string; depth: number }): number {
    const longest = Math.min(text.length, before.text.length);
    let [start, rest] = [0, 0];
    while (start < longest && text[start] === before.text[start]) start++;
    while (rest < longest - start && text.at(-1 - rest) === before.text.at(-1 - rest)) rest++;
    const between = text.slice(start, text.length - rest);
    // Where half of it changed, or half of a letter that UTF-8 cannot hold, it is kept whole.
    if (between.length > text.length / 2 || !between.isWellFormed()) return this.addWhole(text);
    return this.add(text, { base, depth: before.depth + 1, start, rest, facts: Buffer.from(between) });
  }

  private add(text: string, { base, depth, start, rest, facts }: Row): number {
    const sql = 'INSERT INTO sets (base, depth, start, rest, facts) VALUES (?, ?, ?, ?, ?) RETURNING id';
    const id = this.statements.get<{ id: number }>(sql, base, depth, start, rest, facts)?.id ?? 0;
    this.texts.set(id, { text, depth });
    return id;
  }
}
