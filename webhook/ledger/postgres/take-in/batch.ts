import { TABLES, type ColumnType, type RowOf, type Table } from '../database/tables.ts';
import { unproven } from './refusal.ts';

/** What one push brings: rows, and signed checkpoints. */
export type Batch = { [Name in Table]: RowOf<Name>[] } & { notes: string[]; rowCount: number };

/** Reads the lines of a push, which are those of an archive (files/archive.ts). Rejects with a Refusal, which names the line. */
export async function readBatch(lines: AsyncIterable<string>, format: number): Promise<Batch> {
  const batch = { notes: [], rowCount: 0, ...Object.fromEntries(Object.keys(TABLES).map((name) => [name, []])) } as unknown as Batch; // prettier-ignore
  let number = 0;
  let ended = false;
  for await (const line of lines) {
    number++;
    const where = `line ${number}`;
    const document = parse(line, where);
    if (number === 1) checkHead(document, format);
    else if (ended) throw unproven(where, 'it stands behind the last line');
    else if (Array.isArray(document)) {
      addRow(batch, document, where);
      batch.rowCount++;
    } else if (typeof document.checkpoint === 'string') batch.notes.push(document.checkpoint);
    else if (document.rows === batch.rowCount) ended = true;
    else throw unproven(where, `it is none that a push has, or ${batch.rowCount} rows are not all that were sent`);
  }
  if (!ended) throw unproven(`line ${number}`, 'the last line is not there: a part was lost on the way');
  return batch;
}

function parse(line: string, where: string): Record<string, unknown> | unknown[] {
  try {
    const document: unknown = JSON.parse(line);
    if (typeof document === 'object' && document !== null) return document as Record<string, unknown> | unknown[];
  } catch {
    // Told below.
  }
  throw unproven(where, 'not a JSON object or list');
}

function checkHead(document: Record<string, unknown> | unknown[], format: number): void {
  const head = document as Record<string, unknown>;
  if (head.kubeblame !== 'archive') throw unproven('line 1', 'this is not what a Kubeblame ledger pushes');
  if (head.format === format) return;
  throw unproven(
    'line 1',
    `the ledger has format ${String(head.format)}, this hub reads ${format}: upgrade the older one of them`,
  );
}

function addRow(batch: Batch, [name, ...values]: unknown[], where: string): void {
  if (typeof name !== 'string' || !Object.hasOwn(TABLES, name)) throw unproven(where, 'there is no such table');
  const table = name as Table;
  const columns = Object.entries<ColumnType>(TABLES[table]);
  if (columns.length !== values.length) throw unproven(where, `a row of ${table} has ${columns.length} values`);
  const row = columns.map(([column, type], index) => {
    const value = read(values[index], type);
    if (value === undefined) throw unproven(where, `${table}.${column} cannot have this value`);
    return [column, value];
  });
  (batch[table] as unknown[]).push(Object.fromEntries(row));
}

/** undefined where the column cannot hold it. */
function read(value: unknown, type: ColumnType): number | string | Buffer | null | undefined {
  if (value === null) return type.endsWith('?') ? null : undefined;
  if (typeof value === 'number') return /^int/.test(type) && Number.isSafeInteger(value) ? value : undefined;
  if (typeof value === 'string') return /^(text|any)/.test(type) && value.isWellFormed() ? value : undefined;
  const { b } = value as { b?: unknown };
  return typeof b === 'string' && /^(bytes|any)/.test(type) ? Buffer.from(b, 'base64') : undefined;
}
