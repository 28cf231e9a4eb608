import { statSync } from 'node:fs';
import { shopLines } from '../../../../shared/testing/shop.ts';
import { importShop } from '../../ledgers/shop-ledger.ts';
import { SKIPPED } from '../traffic/reviews.ts';

export interface SizeRow {
  what: string;
  changes: number;
  bytes: number;
  /** How many times larger the API server's own audit log of the same requests is. */
  ofAudit: number;
}

/** The shop recording in a ledger, indexes included, against the audit log of the same requests. */
export async function measureBytes(path: (name: string) => string): Promise<{ auditBytes: number; rows: SizeRow[] }> {
  const auditBytes = shopLines('audit.ndjson.gz')
    .filter(
      (line) => !SKIPPED.has((JSON.parse(line) as { objectRef?: { resource?: string } }).objectRef?.resource ?? ''),
    )
    .reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
  const rows: SizeRow[] = [];
  for (const baseline of [false, true]) {
    const file = path(`shop-${String(baseline)}.db`);
    const store = await importShop(file, false, baseline);
    const changes = (await store.last())?.seq ?? 0;
    await store.close();
    const bytes = statSync(file).size;
    const what = baseline ? 'with the baseline of 247 objects' : 'the requests alone';
    rows.push({ what, changes, bytes, ofAudit: auditBytes / bytes });
  }
  return { auditBytes, rows };
}
