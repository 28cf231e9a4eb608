import { openDatabase } from '../../ledger/sqlite/database/native.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../ledger/sqlite/database/schema.ts';

/**
 * Writes a ledger as the first format had it, with the rows of a present one. What later formats added is left out, so `from`
 * must have no amendments: those are in its hash chain.
 */
export function writeFormat1(path: string, from: string): void {
  const db = openDatabase(path);
  db.pragma('page_size = 2048');
  db.exec(MIGRATIONS[0] ?? '');
  db.exec(`ATTACH '${from}' AS present`);
  db.pragma('foreign_keys = OFF');
  const tables = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  for (const table of tables) {
    const columns = (db.prepare(`PRAGMA main.table_info(${table})`).all() as { name: string }[]).map(
      ({ name }) => name,
    );
    db.exec(`INSERT INTO main.${table} (${columns.join()}) SELECT ${columns.join()} FROM present.${table}`);
  }
  db.exec(`PRAGMA main.application_id = ${APPLICATION_ID}; PRAGMA main.user_version = 1`);
  db.close();
}
