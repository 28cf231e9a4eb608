import { PG_TYPES, TABLES, type ColumnType, type Table } from './tables.ts';

/** The statement that makes a table of a ledger, with the number of the ledger in front. */
export function createTable(table: Table, more: string): string {
  const columns = Object.entries<ColumnType>(TABLES[table]).map(([name, type]) => {
    const collate = type === 'text' ? ' COLLATE "C"' : '';
    return `"${name}" ${PG_TYPES[type]}${collate}${type.endsWith('?') ? '' : ' NOT NULL'}`;
  });
  // Bytes are compressed already.
  const bytes = Object.entries<ColumnType>(TABLES[table]).filter(([, type]) => PG_TYPES[type] === 'bytea');
  const external = bytes.map(([name]) => `ALTER TABLE ${table} ALTER COLUMN "${name}" SET STORAGE EXTERNAL;`);
  return `CREATE TABLE ${table} (ledger integer NOT NULL REFERENCES ledgers, ${columns.join(', ')}, ${more});
  ${external.join('\n  ')}`;
}
