import { statSync } from 'node:fs';
import type { LedgerReader, Scope } from '../../shared/types.ts';
import { StoreReader } from '../query/reader.ts';
import { openSqliteReader, openThreadedSqliteStore } from '../store/sqlite/store.ts';
import { EVERY_MS, generateLedger, generatedObject, STARTED_AT, type LedgerSize } from './generate.ts';

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
  const smallRows = await ask(path('small.db'), small);
  const rows = (await ask(path('large.db'), large)).map((row, index) => ({
    ...row,
    smallMs: smallRows[index]?.ms ?? NaN,
  }));
  return { rows, bytes: statSync(path('large.db')).size, generatedSeconds };
}

async function generate(file: string, size: LedgerSize): Promise<void> {
  const store = await openThreadedSqliteStore(file, 'bench', STARTED_AT);
  await generateLedger(store, size);
  await store.close();
}

type Question = (reader: LedgerReader, turn: number) => Promise<number>;

async function ask(file: string, size: LedgerSize): Promise<Omit<ReadingRow, 'smallMs'>[]> {
  const end = STARTED_AT + size.changes * EVERY_MS;
  const reader = new StoreReader(openSqliteReader(file), () => end + LATER_MS);
  const moment = (turn: number): number => STARTED_AT + ((turn * 0.137 + 0.5) % 1) * (end - STARTED_AT);
  const other = (turn: number): number => 1 + ((turn * 37) % (size.objects - 1));
  const scope = (index: number): Scope => {
    const { group, resource, namespace, name } = generatedObject(index);
    return { type: { group, resource }, namespace, names: [name] };
  };
  const history = async (which: Scope): Promise<number> =>
    (await reader.changes({ scope: which, status: true, limit: 50 })).changes.length;
  const state = async (which: Scope, at: number): Promise<number> =>
    (await reader.states({ scope: which, at, limit: 1 })).states.length;
  const questions: [string, number, Question][] = [
    [`last 50 changes of an object that has a tenth of all`, 9, () => history(scope(0))],
    ['last 50 changes of any object', 9, (_, turn) => history(scope(other(turn)))],
    ['its state at any time, of that object', 21, (_, turn) => state(scope(0), moment(turn))],
    ['state of any object at any time', 21, (_, turn) => state(scope(other(turn)), moment(turn))],
    [
      'last hour of a namespace',
      9,
      async (_, turn) => {
        const query = { scope: { namespace: `team-${turn}` }, since: end - HOUR_MS, status: true, limit: 1000 };
        return (await reader.changes(query)).changes.length;
      },
    ],
    [
      'last 50 changes by one user',
      9,
      async (_, turn) =>
        (await reader.changes({ scope: {}, user: `user-${turn}@example.com`, limit: 50 })).changes.length,
    ],
    [
      'last 50 changes of a namespace, by label',
      9,
      async (_, turn) => {
        const query = { scope: { namespace: `team-${turn}`, labels: 'tier=web,app!=app-0' }, status: true, limit: 50 };
        return (await reader.changes(query)).changes.length;
      },
    ],
    ['the whole cluster at any time', 3, (_, turn) => wholeCluster(reader, moment(turn))],
  ];
  const rows: Omit<ReadingRow, 'smallMs'>[] = [];
  for (const [question, turns, run] of questions) rows.push({ question, ...(await timed(reader, turns, run)) });
  await reader.close();
  return rows;
}

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

async function timed(reader: LedgerReader, turns: number, run: Question): Promise<{ items: number; ms: number }> {
  const times: number[] = [];
  let items = 0;
  for (let turn = 0; turn <= turns; turn++) {
    const before = process.cpuUsage();
    items = await run(reader, turn);
    const { user, system } = process.cpuUsage(before);
    // The first one warms the caches.
    if (turn > 0) times.push((user + system) / 1000);
  }
  times.sort((a, b) => a - b);
  return { items, ms: times[Math.floor(times.length / 2)] ?? NaN };
}
