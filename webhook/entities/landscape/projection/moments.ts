import type { FactsAt, StoredObject } from '../../../ledger/port/port.ts';
import { SELECT_OBJECT } from '../../../ledger/sqlite/read/names.ts';
import type { Statements } from '../../../ledger/sqlite/database/statements.ts';
import type { Holding } from './fact-log.ts';
import type { FactSets } from './fact-sets.ts';

interface Known {
  id: number;
  object: Omit<StoredObject, 'id'>;
  /** By which objects are ordered. */
  order: string;
}

/** Objects that are remembered though they are not of the last moment. */
const REMEMBERED = 40_000;

/** What is asked about a moment comes several times, and mostly about much the same objects. */
export class Moments {
  private known = new Map<number, Known>();
  /** The objects of the last answer, in their order. */
  private ordered: Known[] = [];
  private last: { key: string; facts: FactsAt[] } | undefined;

  constructor(private readonly ledger: Statements) {}

  /** After objects were removed from the ledger, or what is kept of it has changed. */
  forget(): void {
    this.known.clear();
    this.ordered = [];
    this.last = undefined;
  }

  /** The objects that hold, with their facts, in the order of LedgerStore.objects(). `key` tells moments apart. */
  at(key: string, holding: () => readonly Holding[], sets: FactSets): FactsAt[] {
    if (this.last?.key === key) return this.last.facts;
    const held = new Map(holding().map((each) => [each.object, each]));
    this.load(held);
    const [before, added] = [new Set<number>(), [] as Known[]];
    const stay = this.ordered.filter(({ id }) => held.has(id));
    for (const { id } of stay) before.add(id);
    for (const id of held.keys()) {
      const known = before.has(id) ? undefined : this.known.get(id);
      if (known !== undefined) added.push(known);
    }
    this.ordered = merged(stay, added.sort(inOrder));
    const facts = this.ordered.flatMap(({ id, object }): FactsAt[] => {
      const now = held.get(id);
      return now === undefined ? [] : [{ id, object, facts: sets.of(now.set), confirmed: now.confirmed }];
    });
    this.last = { key, facts };
    return facts;
  }

  private load(held: ReadonlyMap<number, Holding>): void {
    if (this.known.size + held.size > REMEMBERED + this.ordered.length) {
      this.known = new Map(this.ordered.map((known) => [known.id, known]));
    }
    const missing = new Set([...held.keys()].filter((id) => !this.known.has(id)));
    const sql = `${SELECT_OBJECT} WHERE o.id IN (SELECT value FROM json_each(?))`;
    for (const { id, ...object } of this.ledger.all<StoredObject>(sql, JSON.stringify([...missing]))) {
      const { group, resource, namespace, name } = object;
      this.known.set(id, { id, object, order: [group, resource, namespace, name].join('\0') });
      missing.delete(id);
    }
    for (const id of missing) throw new Error(`the ledger has no object ${id}`);
  }
}

/** As LedgerStore.objects() has them: no name has a NUL. */
function inOrder(a: Known, b: Known): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  return a.id - b.id;
}

function merged(a: readonly Known[], b: readonly Known[]): Known[] {
  const all: Known[] = [];
  let place = 0;
  for (const each of a) {
    for (let next = b[place]; next !== undefined && inOrder(next, each) < 0; next = b[++place]) all.push(next);
    all.push(each);
  }
  return [...all, ...b.slice(place)];
}
