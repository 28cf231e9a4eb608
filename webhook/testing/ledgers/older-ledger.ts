import { copyFileSync, rmSync } from 'node:fs';
import { firstLink, Link } from '../../ledger/sqlite/chain/chain.ts';
import { commitRows, END, LEDGER, type LedgerRow } from '../../ledger/sqlite/chain/chained-rows.ts';
import { openDatabase } from '../../ledger/sqlite/database/native.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../ledger/sqlite/database/schema.ts';

/** Since this format the chain has digests of contents. */
const DIGESTS_SINCE = 4;

/** Formats before the present one. */
export const OLDER_FORMATS = [1, 2, 3, 4, 5] as const;

/**
 * Writes a ledger as an older format had it, with the rows of a present one, which nobody has open. What later formats added is
 * left out, so for the first one `from` must have no amendments: those are in its hash chain.
 */
export function writeFormat(format: (typeof OLDER_FORMATS)[number], path: string, from: string): void {
  const chained = `${path}-chained`;
  copyFileSync(from, chained);
  if (format < DIGESTS_SINCE) chainByContents(chained);
  const db = openDatabase(path);
  db.pragma('page_size = 2048');
  for (const migration of MIGRATIONS.slice(0, format)) db.exec(migration);
  db.exec(`ATTACH '${chained}' AS present`);
  db.pragma('foreign_keys = OFF');
  const tables = db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  for (const table of tables) {
    const columns = (db.prepare(`PRAGMA main.table_info(${table})`).all() as { name: string }[]).map(
      ({ name }) => name,
    );
    // Some tables are filled by triggers.
    db.exec(`INSERT OR IGNORE INTO main.${table} (${columns.join()}) SELECT ${columns.join()} FROM present.${table}`);
  }
  db.exec(`PRAGMA main.application_id = ${APPLICATION_ID}; PRAGMA main.user_version = ${format}`);
  db.close();
  rmSync(chained);
}

/** Derives the chain of a ledger anew, as it was before there were digests of contents. */
function chainByContents(path: string): void {
  const db = openDatabase(path);
  db.exec('DROP TRIGGER commits_keep_values');
  let previous = firstLink(db.prepare(LEDGER).get() as LedgerRow);
  for (const { commit, changes, outcomes, coverage, kinds } of [...commitRows(db, null)]) {
    if (commit.id === END) break;
    const link = new Link(previous, commit.id, commit.at, commit.taken);
    for (const row of changes) link.change(row);
    for (const row of outcomes) link.outcome(row);
    for (const row of coverage) link.coverage(row);
    for (const row of kinds) link.kind(row);
    previous = link.digest();
    db.prepare('UPDATE commits SET hash = ? WHERE id = ?').run(previous, commit.id);
  }
  db.close();
}
