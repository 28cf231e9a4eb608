import type { LedgerReader } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { coverageTable } from '../views/coverage-table.ts';
import { coverageList, document } from '../views/json.ts';

/** `kubectl blame coverage`: when recording worked, and why not in between. */
export async function coverage(format: 'table' | 'json' | 'yaml', reader: LedgerReader, io: Io): Promise<void> {
  const intervals = await reader.coverage();
  if (format !== 'table') io.out(document(coverageList(intervals), format));
  else if (intervals.length === 0) io.err('# nothing has recorded into this ledger yet\n');
  else io.out(`${coverageTable(intervals, io.now, io.style).join('\n')}\n`);
}
