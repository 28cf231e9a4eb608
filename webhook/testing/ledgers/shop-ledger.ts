import { Redactor } from '../../../shared/redact.ts';
import { SHOP, shopMarks } from '../../../shared/testing/shop.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { Recorder } from '../../record/capture/recorder/recorder.ts';
import { importRecording } from '../../record/sources/recordings/import.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { openSqliteStore } from '../../ledger/sqlite/store/open-store.ts';
import { TEST_KEY } from './recorder.ts';

/** The recording in a new ledger: its reviews, the baseline at its mark, and the watch events where wanted. */
export async function importShop(path: string, watch: boolean, baseline = true): Promise<LedgerStore> {
  const store = openSqliteStore(path, 'shop', 0);
  const predicates = new Predicates([]);
  const recorder = await Recorder.open({ store, redactor: new Redactor(TEST_KEY), predicates });
  await importRecording(
    {
      reviews: `${SHOP}reviews.ndjson.gz`,
      ...(baseline ? { baseline: `${SHOP}truth/00-baseline.ndjson.gz`, baselineAt: shopMarks()[0]?.at ?? 0 } : {}),
      ...(watch ? { watch: `${SHOP}watch.ndjson.gz` } : {}),
    },
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
