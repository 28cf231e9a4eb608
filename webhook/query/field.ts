import { deltasOfField, mayTouch } from '../../shared/field-path.ts';
import type { StoredChange } from '../store/port.ts';
import { viewOf, type States } from './views.ts';

/** Which of some changes (newest first) did something to a field, by seq. `names` is its path. */
export async function touching(
  rows: readonly StoredChange[],
  names: readonly string[],
  states: States,
  now: number,
): Promise<Set<number>> {
  const found = new Set<number>();
  for (const row of [...rows].reverse()) {
    // Most changes are told by their patch alone; only the others are rebuilt.
    if (row.effect === 'none' || !row.detail().patch.some(({ path }) => mayTouch(path, names))) continue;
    const { deltas } = await viewOf(row, { states, now, bodies: false, gaps: () => '' });
    if (deltasOfField(deltas, names).length > 0) found.add(row.seq);
  }
  return found;
}
