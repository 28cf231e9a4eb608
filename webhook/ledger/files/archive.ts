import { createWriteStream } from 'node:fs';
import { createGzip } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import Database, { type Statement } from 'better-sqlite3';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { inputError, readLines, type Line } from '../../platform/files/lines.ts';
import { openDatabase } from '../sqlite/database/native.ts';
import type { Sqlite } from '../sqlite/database/open.ts';
import { APPLICATION_ID, FORMAT, MIGRATIONS } from '../sqlite/database/schema.ts';

/*
 * An archive is a ledger as text: gzip, a JSON document a line. The first line says what it is; then every row as
 * [TABLE, value, ...], bytes as {"b": base64}; signed checkpoints as {"checkpoint": note}; the last line counts the rows,
 * so that a part is not taken for the whole. Rows are verbatim: what is verified of it is what was stored.
 */

/** In the order in which rows refer to each other. */
const TABLES = ['ledger', 'texts', 'actors', 'resources', 'objects', 'label_sets', 'label_index', 'changes', 'checkpoints', 'outcomes', 'shortened', 'coverage', 'folds', 'commits'] as const; // prettier-ignore

type Stored = null | number | string | Buffer;
type Written = null | number | string | { b: string };

interface Head {
  kubeblame: 'archive';
  format: number;
  cluster: string;
}

/** Writes a ledger that is open for reading, as it is at one moment, with its checkpoints. Resolves to the rows written. */
export async function writeArchive(db: Sqlite, file: string, notes: readonly string[]): Promise<number> {
  const count = { rows: 0 };
  db.exec('BEGIN');
  try {
    // Not over something that is there: an archive is evidence.
    const sink = createWriteStream(file, { flags: 'wx' });
    await pipeline(Readable.from(archiveLines(db, notes, count)), createGzip(), sink);
  } catch (error) {
    if (error instanceof Database.SqliteError) throw error;
    const what = `${file} cannot be written: ${messageOf(error)}`;
    throw new KubeblameError('output-failed', what, 'name another file', { cause: error });
  } finally {
    db.exec('ROLLBACK');
  }
  return count.rows;
}

function* archiveLines(db: Sqlite, notes: readonly string[], count: { rows: number }): Generator<string> {
  const cluster = db.prepare('SELECT cluster FROM ledger').pluck().get() as string;
  yield lineOf({ kubeblame: 'archive', format: FORMAT, cluster } satisfies Head);
  for (const table of TABLES) {
    for (const row of db.prepare(`SELECT * FROM ${table}`).raw().iterate() as IterableIterator<Stored[]>) {
      count.rows++;
      yield lineOf([table, ...row.map((value) => (Buffer.isBuffer(value) ? { b: value.toString('base64') } : value))]);
    }
  }
  for (const checkpoint of notes) yield lineOf({ checkpoint });
  yield lineOf(count);
}

/** Two characters end a line for readline, and JSON.stringify leaves them as they are. */
export function lineOf(document: unknown): string {
  return `${JSON.stringify(document).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`;
}

/**
 * Puts an archive's rows into a new ledger file at `path`; '' is a temporary one. Rejects with input-invalid, which names
 * the line. What the rows say is not checked: verifyLedger does.
 */
export async function readArchive(file: string, path: string): Promise<{ db: Sqlite; notes: string[] }> {
  const db = openDatabase(path);
  const notes: string[] = [];
  let rows = 0;
  let expected: number | null = null;
  let head = false;
  try {
    db.pragma('foreign_keys = OFF');
    db.exec('BEGIN');
    for (const migration of MIGRATIONS) db.exec(migration);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${FORMAT}`);
    const insert = inserters(db);
    for await (const line of readLines(file)) {
      const document = parse(line);
      if (!head) head = checkHead(line, document);
      else if (Array.isArray(document)) {
        insert(line, document as [string, ...Written[]]);
        rows++;
      } else if (typeof document.checkpoint === 'string') notes.push(document.checkpoint);
      else if (typeof document.rows === 'number') expected = document.rows;
      else throw inputError(line, 'neither a row, a checkpoint, nor the end');
    }
    if (expected !== rows) {
      const what = expected === null ? 'its last line is not there' : `it says that it has ${expected}`;
      throw new KubeblameError('input-invalid', `${file} has ${rows} rows, and ${what}`, 'get it again');
    }
    db.exec('COMMIT');
    return { db, notes };
  } catch (error) {
    db.close();
    throw error;
  }
}

function parse(line: Line): Record<string, unknown> | unknown[] {
  try {
    const document: unknown = JSON.parse(line.text);
    if (typeof document === 'object' && document !== null) return document as Record<string, unknown> | unknown[];
  } catch {
    // Told below.
  }
  throw inputError(line, 'not a JSON object or list');
}

function checkHead(line: Line, document: Record<string, unknown> | unknown[]): true {
  const { kubeblame, format } = document as Partial<Head>;
  if (kubeblame !== 'archive') throw inputError(line, 'this is not a Kubeblame archive');
  if (format !== FORMAT)
    throw inputError(line, `the archive has format ${String(format)}, this version reads ${FORMAT}`);
  return true;
}

function inserters(db: Sqlite): (line: Line, row: [string, ...Written[]]) => void {
  const statements = new Map<string, Statement<unknown[]>>();
  for (const table of TABLES) {
    const columns = (db.pragma(`table_info(${table})`) as unknown[]).map(() => '?');
    statements.set(table, db.prepare<unknown[]>(`INSERT INTO ${table} VALUES (${columns.join(', ')})`));
  }
  return (line, [table, ...values]) => {
    try {
      const statement = statements.get(table);
      if (statement === undefined) throw new Error(`there is no table ${String(table)}`);
      statement.run(
        values.map((value) => (typeof value === 'object' && value !== null ? Buffer.from(value.b, 'base64') : value)),
      );
    } catch (error) {
      throw inputError(line, messageOf(error), error);
    }
  };
}
