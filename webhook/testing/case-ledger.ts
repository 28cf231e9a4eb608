import { fileURLToPath } from 'node:url';
import { Redactor } from '../../shared/redact.ts';
import { Predicates } from '../capture/predicates.ts';
import { Recorder } from '../capture/recorder.ts';
import { importRecording } from '../import/import.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { TEST_KEY } from './recorder.ts';

/** A case of shared/fixtures/cases in a new ledger: its reviews and watch events. */
export async function importCase(name: string, path: string): Promise<void> {
  const folder = fileURLToPath(new URL(`../../shared/fixtures/cases/${name}/`, import.meta.url));
  const store = openSqliteStore(path, 'case', 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  const bad = (error: Error): never => {
    throw error;
  };
  await importRecording(
    { reviews: `${folder}reviews.ndjson`, watch: `${folder}watch.ndjson` },
    { recorder, store, predicates, bad },
  );
  await recorder.close();
  await store.close();
}
