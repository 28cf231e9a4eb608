import { matchesSelector, type Requirement } from '../../../../shared/selector.ts';
import { placeOf, placesOfKey, readLabels } from '../../content/labels.ts';
import type { Condition, Statements } from './statements.ts';

/** The labels that a change's object had: those of its last change up to there which began some. */
const LABELS_AT = `(SELECT b.labels_id FROM changes b WHERE b.ledger = :ledger AND b.object_id = c.object_id AND b.seq <= c.seq
  AND b.labels_id IS NOT NULL ORDER BY b.seq DESC LIMIT 1)`;

/** The sets of labels that a selector matches, by the index of labels. */
export async function matchingSets(statements: Statements, selector: readonly Requirement[]): Promise<number[]> {
  const conditions: Condition[] = [];
  for (const { key, operator, values } of selector) {
    if (operator === 'notin' || operator === 'absent') continue;
    const { from, to } = placesOfKey(key);
    const [sql, given] =
      operator === 'in'
        ? ['place = ANY (?::bigint[])', [values.map((value) => placeOf(key, value))]]
        : ['place BETWEEN ? AND ?', [from, to]];
    conditions.push({ sql: `id IN (SELECT set_id FROM label_index WHERE ledger = :ledger AND ${sql})`, values: given });
  }
  const rows = await statements.all<{ id: number; labels: string }>(
    `SELECT id, labels FROM label_sets WHERE ledger = :ledger${conditions.map(({ sql }) => ` AND ${sql}`).join('')}`,
    ...conditions.flatMap(({ values }) => values),
  );
  return rows.filter(({ labels }) => matchesSelector(selector, readLabels(labels))).map(({ id }) => id);
}

/** True of changes whose object had one of some sets of labels. */
export function hadLabels(sets: readonly number[]): Condition {
  return { sql: `${LABELS_AT} = ANY (?::bigint[])`, values: [sets] };
}

/** True of objects that ever had one of them. */
export function everHadLabels(sets: readonly number[]): Condition {
  const sql = 'o.id IN (SELECT object_id FROM changes WHERE ledger = :ledger AND labels_id = ANY (?::bigint[]))';
  return { sql, values: [sets] };
}
