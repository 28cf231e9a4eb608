import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LedgerReader } from '../../../../shared/types.ts';
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
  const readers = [new StoreReader(store, now), reading.readerOf({ kind: 'everything' })] as const;
  const questions: Record<string, (reader: LedgerReader) => Promise<unknown>> = {
    'changes of a user who made none': (reader) => reader.changes({ scope: {}, users: ['nobody-*'], limit: 50 }),
    'all states at a moment': (reader) => reader.states({ scope: {}, at: Date.now(), limit: 10_000 }),
  };
  const rows: PauseRow[] = [];
  for (const [question, ask] of Object.entries(questions)) {
    const [inRecorder = NaN, inReading = NaN] = [await pauseOf(ask, readers[0]), await pauseOf(ask, readers[1])];
    rows.push({ question, inRecorder, inReading });
  }
  await reading.close();
  await store.close();
  return rows;
}

async function pauseOf(ask: (reader: LedgerReader) => Promise<unknown>, reader: LedgerReader): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await ask(reader);
  // The pause counts when the loop turns again.
  await new Promise((resolve) => setTimeout(resolve, 50));
  delay.disable();
  return delay.max / 1e6;
}
