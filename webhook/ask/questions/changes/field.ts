import { mayTouch, type FieldStep } from '../../../../shared/field-path.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';
import { viewOf } from '../../blame/views.ts';
import type { States } from '../../../ledger/port/states.ts';

/** Which of some changes (newest first) did something to a field, by seq. */
export async function touching(
  rows: readonly StoredChange[],
  field: readonly FieldStep[],
  states: States,
  now: number,
): Promise<Set<number>> {
  const found = new Set<number>();
  for (const row of [...rows].reverse()) {
    // Most changes are told by their patch alone; only the others are rebuilt.
    if (row.effect === 'none' || !row.detail().patch.some(({ path }) => mayTouch(path, field))) continue;
    const { deltas } = await viewOf(row, { states, now, bodies: false, field, gaps: () => '' });
    if (deltas.length > 0) found.add(row.seq);
  }
  return found;
}
