import { readFileSync, writeFileSync } from 'node:fs';
import { Redactor } from '../../../shared/redact.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { importRecording, type ImportInput, type ImportResult } from '../../record/sources/recordings/import.ts';
import type { LedgerStore, NewCoverage, StoredChange } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { TEST_KEY } from './recorder.ts';

/** The files of ledgers that this process imported, by what was imported: most suites ask about the same recordings. */
const imported = new Map<string, Buffer>();

/**
 * A recording in a new ledger of the cluster. `mayBeBad`: whether a line that cannot be recorded is one that the recording
 * is known to have; any other is an error. A second import of the same files by this process is a copy of the first.
 */
export async function importedLedger(
  path: string,
  cluster: string,
  input: ImportInput,
  mayBeBad: (error: Error) => boolean = () => false,
): Promise<LedgerStore> {
  const key = JSON.stringify([cluster, input]);
  const known = imported.get(key);
  if (known !== undefined) writeFileSync(path, known);
  else {
    const bad = (error: Error): void => {
      if (!mayBeBad(error)) throw error;
    };
    await intoLedger(path, cluster, (into) => importRecording(input, { ...into, bad }));
    imported.set(key, readFileSync(path));
  }
  return openSqliteStore(path, cluster, 0);
}

/** What an import gave, and whom it told what. */
export interface Taken {
  result: ImportResult;
  bad: string[];
  lost: string[];
}

/** Imports into a ledger file as the command does, in this process. `keepGoing`: as its option. */
export async function importInto(path: string, input: ImportInput, keepGoing = false): Promise<Taken> {
  const bad: string[] = [];
  const lost: string[] = [];
  const result = await intoLedger(path, 'test', (into) =>
    importRecording(input, {
      ...into,
      bad: (error) => {
        if (!keepGoing) throw error;
        bad.push(error.message);
      },
      lost: (error) => lost.push(error.message),
    }),
  );
  return { result, bad, lost };
}

/** Opens a ledger file for an import, and closes it after that, whatever comes of it. */
export async function intoLedger<T>(
  path: string,
  cluster: string,
  work: (into: { store: LedgerStore; recorder: Recorder; predicates: Predicates }) => Promise<T>,
): Promise<T> {
  const store = openSqliteStore(path, cluster, 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  try {
    return await work({ store, recorder, predicates });
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
