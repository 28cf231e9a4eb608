import { LRUCache } from 'lru-cache';
import { compress, decompress } from '../../../ledger/content/payload.ts';
import type { Statements } from '../../../ledger/sqlite/database/statements.ts';

/** What an object is from a seq on. */
export interface Turn {
  seq: number;
  /** Its facts, by their number; null: it does not exist. */
  set: number | null;
  /** Whether anything has confirmed by then that the object exists. */
  confirmed: boolean;
}

/** What holds at a seq. */
export interface Holding {
  object: number;
  set: number;
  confirmed: boolean;
}

/*
 * What holds at a moment is asked of all objects at once. So the log is cut into segments, each of which begins with what held before it: a
 * moment costs one segment, however long the log is. A segment ends when it has about as many turns as there are objects, so that the
 * beginnings double the log at most.
 */
export const LOG_TABLES = `
  CREATE TABLE segments (
    from_seq INTEGER PRIMARY KEY, -- of its turns; up to the next segment's
    beginning BLOB NOT NULL, -- what held just before
    turns BLOB NOT NULL
  ) STRICT;
`;

/** Segments that are remembered unpacked. */
const REMEMBERED = 4;

interface Segment {
  from: number;
  /** The values of the objects that existed. */
  beginning: Map<number, number>;
  /** Of each object its seqs, each followed by the value from there on. */
  turns: Map<number, number[]>;
  count: number;
  isChanged: { beginning: boolean; turns: boolean };
}

/** A Turn in one number: 0 where the object does not exist. */
function valueOf({ set, confirmed }: Pick<Turn, 'set' | 'confirmed'>): number {
  return set === null ? 0 : set * 2 + Number(confirmed);
}

function turnOf(seq: number, value: number): Turn {
  return { seq, set: value === 0 ? null : Math.floor(value / 2), confirmed: value % 2 === 1 };
}

/** When which object had which facts. What is changed is stored by flush(). */
export class FactLog {
  /** The beginnings of all segments, in their order. */
  private starts: number[] = [];
  private readonly segments = new LRUCache<number, Segment>({ max: REMEMBERED });
  private readonly changed = new Map<number, Segment>();
  private last: Segment;

  /** `leastTurns`: of a segment. */
  constructor(
    private readonly statements: Statements,
    private readonly leastTurns: number,
  ) {
    this.last = this.readLast();
  }

  /** Of all objects what holds at a seq. */
  at(seq: number): Holding[] {
    const { beginning, turns } = this.segment(this.startFor(seq));
    const found: Holding[] = [];
    const add = (object: number, value: number): void => {
      if (value !== 0) found.push({ object, set: Math.floor(value / 2), confirmed: value % 2 === 1 });
    };
    for (const [object, value] of beginning) if (!turns.has(object)) add(object, value);
    for (const [object, list] of turns) add(object, valueAt(list, seq) ?? beginning.get(object) ?? 0);
    return found;
  }

  /** What an object was just before a seq. */
  before(object: number, seq: number): Turn {
    const { beginning, turns } = this.segment(this.startFor(seq - 1));
    return turnOf(seq - 1, valueAt(turns.get(object) ?? [], seq - 1) ?? beginning.get(object) ?? 0);
  }

  /** Says anew what an object was from a seq on. */
  replace(object: number, from: number, turns: readonly Turn[]): void {
    let held: number | null = null;
    for (const [index, start] of this.starts.entries()) {
      const end = this.starts[index + 1] ?? Infinity;
      if (end <= from) continue;
      const segment = this.segment(start);
      if (held !== null) this.begin(segment, object, held);
      const old = segment.turns.get(object) ?? [];
      const now = old.slice(0, placeOf(old, from));
      for (const turn of turns) if (turn.seq >= start && turn.seq < end) now.push(turn.seq, valueOf(turn));
      if (!isSame(old, now)) {
        segment.count += (now.length - old.length) / 2;
        if (now.length === 0) segment.turns.delete(object);
        else segment.turns.set(object, now);
        segment.isChanged.turns = true;
        this.changed.set(start, segment);
      }
      held = now.at(-1) ?? segment.beginning.get(object) ?? 0;
    }
  }

  private begin(segment: Segment, object: number, value: number): void {
    if ((segment.beginning.get(object) ?? 0) === value) return;
    if (value === 0) segment.beginning.delete(object);
    else segment.beginning.set(object, value);
    segment.isChanged.beginning = true;
    this.changed.set(segment.from, segment);
  }

  /** Writes what changed. `through`: the log is complete up to here; a segment that is long enough ends. */
  flush(through: number): void {
    for (const segment of this.changed.values()) this.write(segment);
    this.changed.clear();
    if (this.last.count < Math.max(this.leastTurns, this.last.beginning.size) || through < this.last.from) return;
    const now = this.at(through).map(({ object, ...turn }) => [object, valueOf(turn)] as const);
    now.sort(([a], [b]) => a - b);
    this.segments.set(this.last.from, this.last);
    this.last = emptySegment(through + 1, new Map(now));
    this.starts.push(this.last.from);
    this.write(this.last);
  }

  /** Gives up what ended before a seq. */
  forget(seq: number): void {
    const start = this.startFor(seq);
    this.statements.run('DELETE FROM segments WHERE from_seq < ?', start);
    this.starts = this.starts.filter((each) => each >= start);
  }

  /** The sets that are in use. `now`: only those that hold at the end of the log. */
  usedSets(now = false): Set<number> {
    if (now) return new Set(this.at(Infinity).map(({ set }) => set));
    const used = new Set<number>();
    const add = (value: number): void => void (value > 1 && used.add(Math.floor(value / 2)));
    for (const start of this.starts) {
      const { beginning, turns } = this.segment(start);
      for (const value of beginning.values()) add(value);
      for (const list of turns.values()) for (let at = 1; at < list.length; at += 2) add(list[at] ?? 0);
    }
    return used;
  }

  /** Reads anew what is stored: after a transaction that was rolled back, or another process's. */
  reload(): void {
    this.segments.clear();
    this.changed.clear();
    this.last = this.readLast();
  }

  /** The segment that a seq lies in. */
  private startFor(seq: number): number {
    let [low, high] = [0, this.starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.starts[middle] ?? 0) <= seq) low = middle;
      else high = middle - 1;
    }
    return this.starts[low] ?? 0;
  }

  private segment(start: number): Segment {
    if (start === this.last.from) return this.last;
    // One that is changed must not be forgotten before it is written.
    let known = this.changed.get(start) ?? this.segments.get(start);
    if (known === undefined) this.segments.set(start, (known = this.read(start)));
    return known;
  }

  private readLast(): Segment {
    this.starts = this.statements.all<{ from: number }>('SELECT from_seq AS "from" FROM segments ORDER BY from_seq').map(({ from }) => from); // prettier-ignore
    const start = this.starts.at(-1);
    if (start !== undefined) return this.read(start);
    this.starts = [0];
    return emptySegment(0, new Map());
  }

  private read(from: number): Segment {
    const row = this.statements.get<{ beginning: Buffer; turns: Buffer }>('SELECT beginning, turns FROM segments WHERE from_seq = ?', from); // prettier-ignore
    if (row === null) throw new Error(`there is no segment from ${from}`);
    const segment = emptySegment(from, new Map());
    let [object, value, seq] = [0, 0, from];
    const held = unpack(row.beginning);
    for (let at = 0; at + 1 < held.length; at += 2) {
      object += held[at] ?? 0;
      segment.beginning.set(object, (value += held[at + 1] ?? 0));
    }
    [object, value] = [0, 0];
    const turns = unpack(row.turns);
    for (let at = 0; at + 2 < turns.length; at += 3) {
      seq += turns[at] ?? 0;
      object += turns[at + 1] ?? 0;
      value += turns[at + 2] ?? 0;
      const list = segment.turns.get(object);
      if (list === undefined) segment.turns.set(object, [seq, value]);
      else list.push(seq, value);
      segment.count++;
    }
    segment.isChanged = { beginning: false, turns: false };
    return segment;
  }

  private write(segment: Segment): void {
    const { from, beginning, turns, isChanged } = segment;
    if (isChanged.beginning || isChanged.turns) {
      const known = isChanged.beginning ? null : this.statements.get<{ beginning: Buffer }>('SELECT beginning FROM segments WHERE from_seq = ?', from); // prettier-ignore
      this.statements.run('INSERT OR REPLACE INTO segments VALUES (?, ?, ?)', from, known?.beginning ?? packBeginning(beginning), packTurns(from, turns)); // prettier-ignore
    }
    segment.isChanged = { beginning: false, turns: false };
  }
}

function emptySegment(from: number, beginning: Map<number, number>): Segment {
  return { from, beginning, turns: new Map(), count: 0, isChanged: { beginning: true, turns: true } };
}

/** Where in a list of seqs and values those from a seq on begin. */
function placeOf(list: readonly number[], seq: number): number {
  let place = list.length;
  while (place > 0 && (list[place - 2] ?? 0) >= seq) place -= 2;
  return place;
}

/** The value after the last turn up to a seq; null before the first. */
function valueAt(list: readonly number[], seq: number): number | null {
  const place = placeOf(list, seq + 1);
  return place === 0 ? null : (list[place - 1] ?? null);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/* Both are kept as differences to what is before: small numbers, which are alike, take little room compressed. */

function packBeginning(beginning: ReadonlyMap<number, number>): Buffer {
  const numbers: number[] = [];
  let [object, value] = [0, 0];
  for (const [each, its] of [...beginning].sort(([a], [b]) => a - b)) {
    numbers.push(each - object, its - value);
    [object, value] = [each, its];
  }
  return pack(numbers);
}

function packTurns(from: number, turns: ReadonlyMap<number, readonly number[]>): Buffer {
  const all: [seq: number, object: number, value: number][] = [];
  for (const [object, list] of turns) for (let at = 0; at < list.length; at += 2) all.push([list[at] ?? 0, object, list[at + 1] ?? 0]); // prettier-ignore
  all.sort((a, b) => a[0] - b[0]);
  const numbers: number[] = [];
  let [seq, object, value] = [from, 0, 0];
  for (const [its, each, now] of all) {
    numbers.push(its - seq, each - object, now - value);
    [seq, object, value] = [its, each, now];
  }
  return pack(numbers);
}

function pack(numbers: readonly number[]): Buffer {
  return compress(JSON.stringify(numbers));
}

function unpack(bytes: Buffer): number[] {
  return JSON.parse(decompress(bytes)) as number[];
}
