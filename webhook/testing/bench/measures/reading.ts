import { statSync } from 'node:fs';
import type { ChangeQuery, LedgerReader, Scope } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openThreadedSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { EVERY_MS, generateLedger, generatedObject, STARTED_AT, type LedgerSize } from '../traffic/generate.ts';

export interface ReadingRow {
  question: string;
  /** What the answer holds: changes, or objects. */
  items: number;
  /**
   * CPU time, which is all there is but for a cold disk, and which other processes do not change: the median over
   * different objects and moments, in the larger ledger and in one a tenth as long.
   */
  ms: number;
  smallMs: number;
}

const HOUR_MS = 3_600_000;
/** The present in which questions are asked: long after the last change. */
const LATER_MS = 30 * 24 * HOUR_MS;

/** Generates two ledgers, and asks both the same questions. `changes`: of the larger one. */
export async function measureReading(
  path: (name: string) => string,
  changes: number,
): Promise<{ rows: ReadingRow[]; bytes: number; generatedSeconds: number }> {
  const started = performance.now();
  // As many objects in both: an answer about all of them grows with them, not with the ledger's length.
  const objects = changes / 100;
  const large: LedgerSize = { changes, objects, hot: changes / 10 };
  const small: LedgerSize = { changes: changes / 10, objects, hot: changes / 100 };
  await generate(path('large.db'), large);
  await generate(path('small.db'), small);
  const generatedSeconds = (performance.now() - started) / 1000;
  const rows = await compare(new Asked(path('large.db'), large), new Asked(path('small.db'), small));
  return { rows, bytes: statSync(path('large.db')).size, generatedSeconds };
}

/**
 * Asks both each question in turns, after both have answered it some times: code that is still cold, or a machine that is
 * busy for a while, would show as growth.
 */
async function compare(large: Asked, small: Asked): Promise<ReadingRow[]> {
  const rows: ReadingRow[] = [];
  for (const { title, turns, run } of QUESTIONS) {
    const times: { large: number[]; small: number[] } = { large: [], small: [] };
    let items = 0;
    for (let turn = -WARM_TURNS; turn < turns; turn++) {
      const first = await timed(() => run(large, Math.abs(turn)));
      const second = await timed(() => run(small, Math.abs(turn)));
      if (turn < 0) continue;
      items = first.items;
      times.large.push(first.ms);
      times.small.push(second.ms);
    }
    rows.push({ question: title, items, ms: median(times.large), smallMs: median(times.small) });
  }
  await large.reader.close();
  await small.reader.close();
  return rows;
}

/** How often each question is asked before it is timed. */
const WARM_TURNS = 3;

async function generate(file: string, size: LedgerSize): Promise<void> {
  const store = await openThreadedSqliteStore(file, 'bench', STARTED_AT);
  await generateLedger(store, size);
  await store.close();
}

/** A ledger, and what of it is asked about. */
class Asked {
  readonly reader: LedgerReader;
  readonly end: number;

  constructor(
    file: string,
    private readonly size: LedgerSize,
  ) {
    this.end = STARTED_AT + size.changes * EVERY_MS;
    this.reader = new StoreReader(openSqliteReader(file), () => this.end + LATER_MS);
  }

  moment(turn: number): number {
    return STARTED_AT + ((turn * 0.137 + 0.5) % 1) * (this.end - STARTED_AT);
  }

  /** The object that has a tenth of all changes. */
  hot(): Scope {
    return scopeOf(0);
  }

  other(turn: number): Scope {
    return scopeOf(1 + ((turn * 37) % (this.size.objects - 1)));
  }

  async history(scope: Scope, more: Partial<ChangeQuery> = {}): Promise<number> {
    return (await this.reader.changes({ scope, status: true, limit: 50, ...more })).changes.length;
  }

  async state(scope: Scope, at: number): Promise<number> {
    return (await this.reader.states({ scope, at, limit: 1 })).states.length;
  }

  async blame(scope: Scope, at: number): Promise<number> {
    const { blames } = await this.reader.blame({ scope, at, limit: 1 });
    return blames.flatMap(({ setters }) => setters).length;
  }
}

function scopeOf(index: number): Scope {
  const { group, resource, namespace, name } = generatedObject(index);
  return { type: { group, resource }, namespace, names: [name] };
}

interface Question {
  title: string;
  turns: number;
  /** Gives how many items the answer holds. */
  run: (of: Asked, turn: number) => Promise<number>;
}

const labelled = (turn: number, labels: string): Scope => ({ namespace: `team-${turn}`, labels });

const QUESTIONS: readonly Question[] = [
  { title: 'last 50 changes of the object with a tenth of all', turns: 15, run: (of) => of.history(of.hot()) },
  { title: 'last 50 changes of any object', turns: 15, run: (of, turn) => of.history(of.other(turn)) },
  { title: 'state at any time of the object with a tenth of all', turns: 41, run: (of, turn) => of.state(of.hot(), of.moment(turn)) }, // prettier-ignore
  { title: 'state of any object at any time', turns: 41, run: (of, turn) => of.state(of.other(turn), of.moment(turn)) },
  { title: 'who set each line of the object with a tenth of all', turns: 9, run: (of) => of.blame(of.hot(), of.end) },
  { title: 'who set each line of any object', turns: 15, run: (of, turn) => of.blame(of.other(turn), of.end) },
  {
    title: 'last hour of a namespace',
    turns: 15,
    run: (of, turn) => of.history({ namespace: `team-${turn}` }, { since: of.end - HOUR_MS, limit: 1000 }),
  },
  {
    title: 'last 50 changes by one user',
    turns: 15,
    run: (of, turn) => of.history({}, { users: [`user-${turn}@example.com`] }),
  },
  {
    title: 'last 50 changes of a namespace by a label that all in it have',
    turns: 15,
    run: (of, turn) => of.history(labelled(turn, `tier=${turn % 2 === 0 ? 'web' : 'db'}`)),
  },
  {
    title: 'last 50 changes of a namespace by a label that one in it has',
    turns: 15,
    run: (of, turn) => of.history(labelled(turn, `app=app-${turn + 50}`)),
  },
  {
    title: 'last 50 changes of a namespace by a label that none in it has',
    turns: 15,
    run: (of, turn) => of.history(labelled(turn, `tier=${turn % 2 === 0 ? 'db' : 'web'}`)),
  },
  {
    title: 'last 50 changes of the cluster without a label that all have',
    turns: 5,
    run: (of) => of.history({ labels: '!tier' }),
  },
  { title: 'the whole cluster at any time', turns: 3, run: (of, turn) => wholeCluster(of.reader, of.moment(turn)) },
];

async function wholeCluster(reader: LedgerReader, at: number): Promise<number> {
  let count = 0;
  for (let token: string | null | undefined; token !== null;) {
    const page = await reader.states({
      scope: {},
      at,
      limit: 500,
      ...(token === undefined ? {} : { continue: token }),
    });
    count += page.states.length;
    token = page.next;
  }
  return count;
}

/** Of CPU time, in ms. */
async function timed(run: () => Promise<number>): Promise<{ items: number; ms: number }> {
  const before = process.cpuUsage();
  const items = await run();
  const { user, system } = process.cpuUsage(before);
  return { items, ms: (user + system) / 1000 };
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}
