import type { Sqlite } from '../database/open.ts';

/**
 * How long one step reads (ms). A step is a transaction of its own: while one is open, what is recorded meanwhile cannot be
 * moved from the log beside the ledger into it, and a check of a large ledger takes an hour.
 */
const STEP_MS = 20;

/** A table or an index as SQLite stores it. */
interface Tree {
  /** For people: `table changes`, `index changes_by_object`. */
  name: string;
  table: string;
  /** null for the table itself. */
  index: string | null;
  /** The condition of an index that has not all rows; '' for the others. */
  where: string;
  /** The columns that its rows are ordered by. */
  key: readonly string[];
}

/**
 * Reads every row of every table and index of a ledger, with all their bytes, in steps: a page that SQLite cannot read
 * is found, as by its quick_check, which would be one transaction from beginning to end. Yields between steps. Throws
 * what SQLite throws, which is SQLITE_CORRUPT for a page that is damaged.
 */
export function* checkPages(db: Sqlite, stepMs = STEP_MS): Generator<void> {
  for (const tree of treesOf(db)) {
    try {
      yield* tree.key.at(-1) === 'rowid' && tree.index !== null
        ? readIndex(db, tree, stepMs)
        : readRows(db, tree, stepMs);
    } catch (error) {
      if (error instanceof Error) error.message = `${tree.name}: ${error.message}`;
      throw error;
    }
  }
}

/** Rows whose key is theirs alone: from one to the next. */
function* readRows(db: Sqlite, { table, index, where, key }: Tree, stepMs: number): Generator<void> {
  const keys = key.join(', ');
  const indexed = index === null ? '' : `INDEXED BY ${index}`;
  const select = `SELECT ${keys}${index === null ? ', *' : ''} FROM ${table} ${indexed}`;
  const [only, and] = where === '' ? ['', ''] : [`WHERE ${where}`, `${where} AND`];
  const first = db.prepare<unknown[], unknown[]>(`${select} ${only} ORDER BY ${keys}`).raw();
  const marks = key.map(() => '?').join(', ');
  const next = db.prepare<unknown[], unknown[]>(`${select} WHERE ${and} (${keys}) > (${marks}) ORDER BY ${keys}`).raw();
  let rows = first.iterate();
  for (let from = readFor(rows, stepMs); from !== null; from = readFor(rows, stepMs)) {
    yield;
    rows = next.iterate(...from.slice(0, key.length));
  }
}

/** Rows by a column that many can share, then by their number: SQLite cannot search for both at once. */
function* readIndex(db: Sqlite, { table, index, where, key: [column = ''] }: Tree, stepMs: number): Generator<void> {
  const from = `FROM ${table} INDEXED BY ${index ?? ''} WHERE ${where === '' ? '' : `${where} AND`}`;
  const rest = db
    .prepare<unknown[], unknown[]>(`SELECT rowid ${from} ${column} IS ? AND rowid > ? ORDER BY ${column}, rowid`)
    .raw();
  const lowest = db.prepare(`SELECT ${column} ${from} ${column} IS NOT NULL ORDER BY ${column} LIMIT 1`).pluck();
  const higher = db.prepare(`SELECT ${column} ${from} ${column} > ? ORDER BY ${column} LIMIT 1`).pluck();
  let started = performance.now();
  for (let value: unknown = null; value !== undefined; value = value === null ? lowest.get() : higher.get(value)) {
    let after: unknown[] | null = [Number.MIN_SAFE_INTEGER];
    while (after !== null) {
      after = readFor(rest.iterate(value, after[0]), stepMs);
      if (performance.now() - started < stepMs) continue;
      yield;
      started = performance.now();
    }
  }
}

/** Reads rows until a step's time is over: the last one that was read; null where there are no more. */
function readFor(rows: Iterable<unknown[]>, stepMs: number): unknown[] | null {
  const started = performance.now();
  for (const row of rows) if (performance.now() - started >= stepMs) return row;
  return null;
}

function treesOf(db: Sqlite): Tree[] {
  const tables = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY rowid").all() as Named[];
  return tables.flatMap(({ name: table, sql }) => {
    const columns = db.pragma(`table_info(${table})`) as { name: string; pk: number }[];
    const primary = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    const key = /WITHOUT ROWID/i.test(sql) ? primary.map(({ name }) => name) : ['rowid'];
    const whole: Tree = { name: `table ${table}`, table, index: null, where: '', key };
    return [whole, ...indexesOf(db, table, key)];
  });
}

interface Named {
  name: string;
  sql: string;
}

/** `tableKey`: what an index has behind its own columns. */
function indexesOf(db: Sqlite, table: string, tableKey: readonly string[]): Tree[] {
  const indexes = db.pragma(`index_list(${table})`) as { name: string; origin: string; unique: number }[];
  return indexes
    .filter(({ origin }) => origin !== 'pk')
    .map(({ name, unique }) => {
      const columns = (db.pragma(`index_info(${name})`) as { name: string }[]).map((column) => column.name);
      const made = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name) as string | null;
      const [, where = ''] = / WHERE (.*)$/.exec(made ?? '') ?? [];
      const key = unique === 1 ? columns : [...columns, ...tableKey.filter((column) => !columns.includes(column))];
      return { name: `index ${name}`, table, index: name, where, key };
    });
}
