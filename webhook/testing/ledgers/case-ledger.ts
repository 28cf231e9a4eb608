import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redactor } from '../../../shared/redact.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { importRecording } from '../../record/sources/recordings/import.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { TEST_KEY } from './recorder.ts';

/** Imports one of shared/fixtures/cases, its reviews and, where they are wanted and it has them, its watch events, into a new ledger at `path`. */
export async function importCase(name: string, path: string, watch = true): Promise<void> {
  const folder = fileURLToPath(new URL(`../../../shared/fixtures/cases/${name}/`, import.meta.url));
  const store = openSqliteStore(path, '', 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  const bad = (error: Error): never => {
    throw error;
  };
  const events = watch && existsSync(`${folder}watch.ndjson`) ? { watch: `${folder}watch.ndjson` } : {};
  await importRecording({ reviews: `${folder}reviews.ndjson`, ...events }, { recorder, store, predicates, bad });
  await recorder.close();
  await store.close();
}
