import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { QueryOf } from '../../../../shared/questions/table.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { Reading } from '../../../ask/thread/reading.ts';
import { openSqliteStore } from '../../../ledger/sqlite/store/open-store.ts';
import { generateLedger } from '../traffic/generate.ts';

export interface PauseRow {
  question: string;
  /** Longest time (ms) for which the thread that records did nothing else: asked in that thread, and in the one for reading. */
  inRecorder: number;
  inReading: number;
}

const SIZE = { changes: 200_000, objects: 10_000, hot: 20_000 };

/** How long questions of a whole ledger hold up the thread that records. */
export async function measurePauses(path: (name: string) => string): Promise<PauseRow[]> {
  const file = path('pause.db');
  const store = openSqliteStore(file, 'bench', 0);
  await generateLedger(store, SIZE);
  const now = (): number => Date.now();
  const reading = new Reading({ path: file, clock: new Clock().memory }, null, () => undefined);
  const reader = new StoreReader(store, now);
  const rows: PauseRow[] = [];
  const add = async <Name extends 'changes' | 'states'>(
    title: string,
    name: Name,
    query: QueryOf<Name>,
  ): Promise<void> => {
    const ask = reader[name].bind(reader) as (query: QueryOf<Name>) => Promise<unknown>;
    const inRecorder = await pauseOf(() => ask(query));
    const inReading = await pauseOf(() => reading.json({ kind: 'everything' }, name, query));
    rows.push({ question: title, inRecorder, inReading });
  };
  await add('changes of a user who made none', 'changes', { scope: {}, users: ['nobody-*'], limit: 50 });
  await add('10,000 states at a moment', 'states', { scope: {}, at: Date.now(), limit: 10_000 });
  await reading.close();
  await store.close();
  return rows;
}

async function pauseOf(ask: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await ask();
  // The pause counts when the loop turns again.
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.disable();
  return delay.max / 1e6;
}
