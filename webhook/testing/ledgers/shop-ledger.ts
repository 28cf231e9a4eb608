import { SHOP, shopMarks } from '../../../shared/testing/shop.ts';
import type { LedgerStore } from '../../ledger/port/port.ts';
import { importedLedger } from './import.ts';

/** The recording in a new ledger: its reviews, the baseline at its mark, and the watch events where wanted. */
export function importShop(path: string, watch: boolean, baseline = true): Promise<LedgerStore> {
  return importedLedger(path, 'shop', {
    reviews: `${SHOP}reviews.ndjson.gz`,
    ...(baseline ? { baseline: `${SHOP}truth/00-baseline.ndjson.gz`, baselineAt: shopMarks()[0]?.at ?? 0 } : {}),
    ...(watch ? { watch: `${SHOP}watch.ndjson.gz` } : {}),
  });
}
