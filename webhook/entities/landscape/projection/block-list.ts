import { LRUCache } from 'lru-cache';
import { compress, decompress } from '../../../ledger/content/payload.ts';
import type { Statements } from '../../../ledger/sqlite/database/statements.ts';

/** Blocks that are remembered unpacked. */
const REMEMBERED = 1_000;

interface Block<T> {
  items: T[];
  /** Not stored yet. */
  isNew: boolean;
}

/**
 * A list of JSON values in a table of its own, numbered from 1, to which is only added. Values that come one after another are alike:
 * some at a time are compressed together.
 */
export class BlockList<T> {
  private readonly blocks = new LRUCache<number, Block<T>>({ max: REMEMBERED });
  /** The block that is not full. */
  private last: { number: number; block: Block<T> };

  /** `size`: values in a block. The number of blocks is kept by the table; nothing else may write to it. */
  constructor(
    private readonly statements: Statements,
    private readonly table: 'parts' | 'sets',
    private readonly size: number,
  ) {
    this.last = this.readLast();
  }

  static table(name: string): string {
    return `CREATE TABLE ${name} (block INTEGER PRIMARY KEY, items BLOB NOT NULL) STRICT;`;
  }

  /** Takes a value, and gives its number. It is stored by flush(). */
  add(value: T): number {
    if (this.last.block.items.length === this.size) {
      this.write();
      this.blocks.set(this.last.number, this.last.block);
      this.last = { number: this.last.number + 1, block: { items: [], isNew: true } };
    }
    this.last.block.isNew = true;
    return this.last.number * this.size + this.last.block.items.push(value);
  }

  /** Throws where there is none of this number. */
  get(number: number): T {
    const [place, at] = [Math.floor((number - 1) / this.size), (number - 1) % this.size];
    const value = this.block(place).items[at];
    if (value === undefined) throw new Error(`${this.table} has no ${number}`);
    return value;
  }

  /** Writes what was added. */
  flush(): void {
    if (this.last.block.isNew) this.write();
  }

  /** Reads anew what is stored: after a transaction that was rolled back, or another process's. */
  reload(): void {
    this.blocks.clear();
    this.last = this.readLast();
  }

  /** Gives up all blocks but those of some numbers, and the last. */
  keep(numbers: Iterable<number>): void {
    const kept = new Set([this.last.number]);
    for (const number of numbers) kept.add(Math.floor((number - 1) / this.size));
    for (const { block } of this.statements.all<{ block: number }>(`SELECT block FROM ${this.table}`)) {
      if (kept.has(block)) continue;
      this.statements.run(`DELETE FROM ${this.table} WHERE block = ?`, block);
      this.blocks.delete(block);
    }
  }

  private block(place: number): Block<T> {
    if (place === this.last.number) return this.last.block;
    let known = this.blocks.get(place);
    if (known === undefined) this.blocks.set(place, (known = { items: this.read(place), isNew: false }));
    return known;
  }

  private read(place: number): T[] {
    const row = this.statements.get<{ items: Buffer }>(`SELECT items FROM ${this.table} WHERE block = ?`, place);
    if (row === null) throw new Error(`${this.table} has no block ${place}`);
    return JSON.parse(decompress(row.items)) as T[];
  }

  private readLast(): { number: number; block: Block<T> } {
    const number = this.statements.get<{ last: number | null }>(`SELECT max(block) AS last FROM ${this.table}`)?.last;
    return number == null
      ? { number: 0, block: { items: [], isNew: false } }
      : { number, block: { items: this.read(number), isNew: false } };
  }

  private write(): void {
    const { number, block } = this.last;
    this.statements.run(
      `INSERT OR REPLACE INTO ${this.table} VALUES (?, ?)`,
      number,
      compress(JSON.stringify(block.items)),
    );
    block.isNew = false;
  }
}
