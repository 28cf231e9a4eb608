import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redactor } from '../../shared/redact.ts';
import { Predicates } from '../capture/predicates.ts';
import { Recorder } from '../capture/recorder.ts';
import { importRecording } from '../import/import.ts';
import type { LedgerStore } from '../store/port.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { TEST_KEY } from './recorder.ts';

/** A folder of shared/fixtures/cases in a new ledger; with its watch events, where it has them and they are wanted. */
export async function importCase(path: string, name: string, watch = true): Promise<LedgerStore> {
  const folder = fileURLToPath(new URL(`../../shared/fixtures/cases/${name}/`, import.meta.url));
  const store = openSqliteStore(path, 'case', 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  const events = `${folder}watch.ndjson`;
  await importRecording(
    { reviews: `${folder}reviews.ndjson`, ...(watch && existsSync(events) ? { watch: events } : {}) },
    {
      recorder,
      store,
      predicates,
      bad: (error) => {
        throw error;
      },
    },
  );
  await recorder.close();
  return store;
}
