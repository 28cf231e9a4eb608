import { Redactor } from '../../../shared/redact.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { importRecording, type ImportInput, type ImportResult } from '../../record/sources/recordings/import.ts';
import type { NewCoverage, StoredChange } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { TEST_KEY } from './recorder.ts';

/** What an import gave, and whom it told what. */
export interface Taken {
  result: ImportResult;
  bad: string[];
  lost: string[];
}

/** Imports into a ledger file as the command does, in this process. `keepGoing`: as its option. */
export async function importInto(path: string, input: ImportInput, keepGoing = false): Promise<Taken> {
  const store = openSqliteStore(path, 'test', 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  const bad: string[] = [];
  const lost: string[] = [];
  try {
    const result = await importRecording(input, {
      recorder,
      store,
      predicates,
      bad: (error) => {
        if (!keepGoing) throw error;
        bad.push(error.message);
      },
      lost: (error) => lost.push(error.message),
    });
    return { result, bad, lost };
  } finally {
    await recorder.close();
    await store.close();
  }
}

/** All that a ledger holds, oldest first. */
export async function contentsOf(path: string): Promise<{ changes: unknown[]; coverage: NewCoverage[] }> {
  const reader = openSqliteReader(path);
  try {
    const changes = (await reader.changes({}, 1_000_000)).reverse();
    const whole = (change: StoredChange): unknown => ({ ...change, detail: change.detail(), audit: change.audit() });
    return { changes: changes.map(whole), coverage: await reader.coverage() };
  } finally {
    await reader.close();
  }
}
