import { placesOf } from '../../content/labels.ts';
import { encodeAny, escapeText, type Db } from '../database/pool.ts';
import { PG_TYPES, TABLES, type ColumnType, type RowOf, type Table } from '../database/tables.ts';
import type { Batch } from './batch.ts';
import { INTERNED, type Known } from './known-rows.ts';

/** Rows of a statement: PostgreSQL reads its parameters as one text of at most 1 GiB, and a body may have 7 MiB. */
const ROWS_AT_ONCE = 2_000;
const BYTES_AT_ONCE = 32 * 1024 * 1024;

/** What a commit has besides what changes refer to. */
const OF_COMMITS = ['changes', 'checkpoints', 'outcomes', 'shortened', 'coverage', 'folds', 'commits'] as const;

/** Writes the rows of a push that was verified, within a transaction. */
export async function writeRows(db: Db, ledger: number, batch: Batch, { added }: Known): Promise<void> {
  for (const table of INTERNED) {
    const conflict = table === 'resources' ? 'ON CONFLICT (ledger, id) DO UPDATE SET kind = excluded.kind, commit_id = excluded.commit_id' : ''; // prettier-ignore
    await insert(db, ledger, table, added[table], conflict);
  }
  await indexLabels(db, ledger, added.label_sets);
  for (const table of OF_COMMITS) {
    // That a change was shortened is told with the change, and once more by the commit that tells it.
    const conflict = table === 'shortened' ? 'ON CONFLICT DO NOTHING' : '';
    await insert(db, ledger, table, batch[table], conflict);
  }
}

async function indexLabels(db: Db, ledger: number, sets: readonly RowOf<'label_sets'>[]): Promise<void> {
  const rows = sets.flatMap(({ id, labels }) => placesOf(labels).map((place) => ({ id, place })));
  if (rows.length === 0) return;
  await db.query('INSERT INTO label_index SELECT $1::int, * FROM unnest($2::bigint[], $3::bigint[])', [
    ...[ledger, rows.map(({ place }) => place), rows.map(({ id }) => id)],
  ]);
}

async function insert<Name extends Table>(
  db: Db,
  ledger: number,
  table: Name,
  rows: readonly RowOf<Name>[],
  conflict = '',
): Promise<void> {
  const columns = Object.entries<ColumnType>(TABLES[table]);
  const names = columns.map(([name]) => `"${name}"`).join(', ');
  const arrays = columns.map(([, type], index) => `$${index + 2}::${PG_TYPES[type]}[]`).join(', ');
  const sql = `INSERT INTO ${table} (ledger, ${names}) SELECT $1::int, * FROM unnest(${arrays}) ${conflict}`;
  for (const part of inParts(rows)) {
    const values = columns.map(([name, type]) => part.map((row) => encode(row[name], type)));
    await db.query(sql, [ledger, ...values]);
  }
}

function* inParts(rows: readonly Record<string, unknown>[]): Generator<Record<string, unknown>[]> {
  let [part, bytes]: [Record<string, unknown>[], number] = [[], 0];
  for (const row of rows) {
    part.push(row);
    for (const value of Object.values(row))
      bytes += Buffer.isBuffer(value) || typeof value === 'string' ? value.length : 8;
    if (part.length < ROWS_AT_ONCE && bytes < BYTES_AT_ONCE) continue;
    yield part;
    [part, bytes] = [[], 0];
  }
  if (part.length > 0) yield part;
}

function encode(value: unknown, type: ColumnType): unknown {
  if (value === null) return null;
  if (type === 'text') return escapeText(value as string);
  return type === 'any' || type === 'any?' ? encodeAny(value as Buffer | string) : value;
}
