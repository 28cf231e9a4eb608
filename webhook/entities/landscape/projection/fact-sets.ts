import { LRUCache } from 'lru-cache';
import type { Facts } from '../../../../shared/landscape/types.ts';
import type { Statements } from '../../../ledger/sqlite/database/statements.ts';
import { BlockList } from './block-list.ts';

export const SET_TABLES = `${BlockList.table('parts')} ${BlockList.table('sets')}`;

/** More than a large cluster has at a moment. */
const REMEMBERED = 30_000;
/** Texts of parts and of sets by which a number is found again. Where one is not, it is stored twice: no harm. */
const TEXTS = 50_000;

/** How much is compressed together: more takes less room, and more time to read one of it. */
export interface FactSizes {
  /** Of a segment of the log, at least. */
  turns: number;
  parts: number;
  sets: number;
}

export const SIZES: FactSizes = { turns: 2_000, parts: 64, sets: 128 };

/** One thing that a body says: a member of Facts, of a list an item. */
type Part = [member: keyof Facts, value: unknown];

/** The members of Facts whose items are parts of their own: most objects have some of them in common with others. */
const LISTS: ReadonlySet<keyof Facts> = new Set(['references', 'addresses', 'namedPorts']);

/**
 * Facts by their number. They are kept as the numbers of their parts: pods of one template differ in a node at most, and what an object says
 * next mostly in an image.
 */
export class FactSets {
  private readonly parts: BlockList<Part>;
  private readonly sets: BlockList<number[]>;
  private readonly partNumbers = new LRUCache<string, number>({ max: TEXTS });
  private readonly setNumbers = new LRUCache<string, number>({ max: TEXTS });
  private readonly facts = new LRUCache<number, Facts>({ maxSize: REMEMBERED, sizeCalculation: () => 1 });

  /** `sizes`: how many are compressed together. */
  constructor(statements: Statements, sizes: Pick<FactSizes, 'parts' | 'sets'>) {
    this.parts = new BlockList(statements, 'parts', sizes.parts);
    this.sets = new BlockList(statements, 'sets', sizes.sets);
  }

  idOf(facts: Facts): number {
    const numbers = partsOf(facts).map((part) => numberOf(this.parts, this.partNumbers, part, JSON.stringify(part)));
    return numberOf(this.sets, this.setNumbers, numbers, numbers.join(' '));
  }

  /** Objects that have the same parts share them: they are not to be changed. */
  of(id: number): Facts {
    let facts = this.facts.get(id);
    if (facts === undefined)
      this.facts.set(id, (facts = together(this.sets.get(id).map((number) => this.parts.get(number)))));
    return facts;
  }

  flush(): void {
    this.parts.flush();
    this.sets.flush();
  }

  /** After a transaction that was rolled back, or of another process. */
  reload(): void {
    for (const cache of [this.partNumbers, this.setNumbers, this.facts]) cache.clear();
    this.parts.reload();
    this.sets.reload();
  }

  /** Gives up what none of some sets needs. */
  keep(ids: ReadonlySet<number>): void {
    const parts = new Set<number>();
    for (const id of ids) for (const part of this.sets.get(id)) parts.add(part);
    this.sets.keep(ids);
    this.parts.keep(parts);
    for (const cache of [this.partNumbers, this.setNumbers, this.facts]) cache.clear();
  }

  /** Makes those that are in use known by their texts, after a start. */
  remember(ids: Iterable<number>): void {
    for (const id of ids) {
      const numbers = this.sets.get(id);
      for (const number of numbers) this.partNumbers.set(JSON.stringify(this.parts.get(number)), number);
      this.setNumbers.set(numbers.join(' '), id);
    }
  }
}

function numberOf<T>(list: BlockList<T>, known: LRUCache<string, number>, value: T, text: string): number {
  let number = known.get(text);
  if (number === undefined) known.set(text, (number = list.add(value)));
  return number;
}

function partsOf(facts: Facts): Part[] {
  return (Object.keys(facts) as (keyof Facts)[]).flatMap((member): Part[] => {
    const value = facts[member];
    return LISTS.has(member) && Array.isArray(value) && value.length > 0
      ? value.map((item): Part => [member, item])
      : [[member, value]];
  });
}

/** The inverse of partsOf(): the same members in the same order. */
function together(parts: readonly Part[]): Facts {
  const facts: Partial<Record<keyof Facts, unknown>> = {};
  for (const [member, value] of parts) {
    if (!LISTS.has(member) || Array.isArray(value)) facts[member] = value;
    else if (facts[member] === undefined) facts[member] = [value];
    else (facts[member] as unknown[]).push(value);
  }
  return facts as Facts;
}
