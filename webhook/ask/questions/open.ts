import type { LedgerReader } from '../../../shared/types.ts';
import { openSqliteReader } from '../../ledger/sqlite/store/store.ts';
import { StoreReader } from './reader.ts';

/**
 * Opens a ledger file for questions, also while a server writes to it. Rejects with ledger-missing, ledger-foreign,
 * ledger-newer or ledger-damaged. `now` tells the present (ms).
 */
export function openLedger(path: string, now: () => number): Promise<LedgerReader> {
  return Promise.resolve().then(() => new StoreReader(openSqliteReader(path), now));
}
