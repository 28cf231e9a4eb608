import type { JsonObject } from '../../shared/types.ts';
import { diffHunks, type DiffHunk } from '../views/diff.ts';
import type { DiffPage, DiffRow } from './wire.ts';

/** What differs between two bodies, in rows that stand side by side. */
export function diffPage(before: JsonObject | null, after: JsonObject | null, users: readonly string[]): DiffPage {
  const hunks = diffHunks(before, after).map((hunk) => ({ path: hunk.path, rows: rowsOf(hunk) }));
  return { existed: [before !== null, after !== null], hunks, users: [...users] };
}

function rowsOf({ lines, oldStart, newStart }: DiffHunk): DiffRow[] {
  let [old, now] = [oldStart, newStart];
  const rows: DiffRow[] = [];
  let removed: DiffRow['before'][] = [];
  let added: DiffRow['after'][] = [];
  const pair = (): void => {
    for (let index = 0; index < Math.max(removed.length, added.length); index++) {
      rows.push({ before: removed[index] ?? null, after: added[index] ?? null });
    }
    [removed, added] = [[], []];
  };
  for (const line of lines) {
    const text = line.slice(1);
    if (line.startsWith('-')) {
      if (added.length > 0) pair();
      removed.push({ number: old++, text });
    } else if (line.startsWith('+')) added.push({ number: now++, text });
    else {
      pair();
      rows.push({ before: { number: old++, text }, after: { number: now++, text } });
    }
  }
  pair();
  return rows;
}
