import { parseJson } from '../../../../shared/json.ts';
import { unescapeText, type Db } from '../database/pool.ts';
import { TABLES, type ColumnType, type RowOf } from '../database/tables.ts';
import type { Batch } from './batch.ts';
import { unproven } from './refusal.ts';

/** The tables of what changes refer to by ids. */
export const INTERNED = ['texts', 'actors', 'resources', 'objects', 'label_sets'] as const;
export type Interned = (typeof INTERNED)[number];

/** What the ids of a push stand for: rows of it, and rows that the hub has. */
export type Names = { [Name in Interned]: Map<number, RowOf<Name>> };

/** The names of a push, and which rows of it the hub does not have yet. */
export interface Known {
  names: Names;
  added: { [Name in Interned]: RowOf<Name>[] };
}

/**
 * Reads what the changes of a push refer to. A row that nothing of the push refers to is left out: nothing would prove it. Rejects
 * with a Refusal where an id stands for something else than it did, or for nothing.
 */
export async function knownRows(db: Db, ledger: number, batch: Batch, after: number): Promise<Known> {
  const names: Names = {
    texts: new Map(),
    actors: new Map(),
    resources: new Map(),
    objects: new Map(),
    label_sets: new Map(),
  };
  const added: Known['added'] = { texts: [], actors: [], resources: [], objects: [], label_sets: [] };
  const take = async <Name extends Interned>(table: Name, ids: Iterable<number | null>): Promise<void> => {
    const wanted = new Set([...ids].filter((id) => id !== null));
    const rows = await rowsOf(db, ledger, table, [...wanted]);
    for (const given of batch[table] as RowOf<Name>[]) {
      if (!wanted.has(given.id)) continue;
      const stored = rows.get(given.id);
      if (stored === undefined) {
        rows.set(given.id, given);
        added[table].push(given);
      } else if (
        table === 'resources' &&
        'kind' in given &&
        'kind' in stored &&
        stored.kind === '' &&
        given.kind !== ''
      ) {
        rows.set(given.id, given);
        added[table].push(given);
      } else if (!sameRow(table, stored, given))
        throw unproven(`${table} ${given.id}`, 'it stood for something else before');
    }
    for (const id of wanted)
      if (!rows.has(id)) throw unproven(`${table} ${id}`, 'it is not there, and a change refers to it');
    (names[table] as unknown) = rows;
  };
  const { changes } = batch;
  await take(
    'objects',
    changes.map(({ object_id }) => object_id),
  );
  const objects = [...names.objects.values()];
  // The kind of a resource may be told by a commit without a change of it.
  await take('resources', [
    ...objects.map(({ resource_id }) => resource_id),
    ...batch.resources.flatMap(({ id, kind }) => (kind === '' ? [] : [id])),
  ]);
  await take('texts', [
    ...objects.map(({ namespace_id }) => namespace_id),
    ...changes.flatMap((row) => [row.namespace_id, row.subresource_id, row.manager_id, row.api_version_id]),
  ]);
  await take(
    'actors',
    changes.map(({ actor_id }) => actor_id),
  );
  await take(
    'label_sets',
    changes.map(({ labels_id }) => labels_id),
  );
  for (const actor of added.actors) checkUsername(actor);
  for (const { id, kind, commit_id } of added.resources)
    if (kind !== '' && commit_id <= after) throw unproven(`resources ${id}`, 'no commit of the push told its kind');
  return { names, added };
}

/** The user name that an index finds must be the one of the identity, which the chain has. */
function checkUsername({ id, username, identity }: RowOf<'actors'>): void {
  let named: unknown;
  try {
    named = (parseJson(identity) as { username?: unknown }).username;
  } catch {
    // Told below.
  }
  if (typeof named !== 'string' || named.toWellFormed() !== username)
    throw unproven(`actors ${id}`, 'its user name is not that of its identity');
}

/** Of a resource the kind is told later, once. */
function sameRow<Name extends Interned>(table: Name, stored: RowOf<Name>, given: RowOf<Name>): boolean {
  const before = stored as Record<string, unknown>;
  return Object.entries(given).every(([column, value]) => {
    if (table === 'resources' && (column === 'kind' || column === 'commit_id')) return before.kind === '' || given[column as keyof RowOf<Name>] === before[column]; // prettier-ignore
    return value === before[column];
  });
}

async function rowsOf<Name extends Interned>(
  db: Db,
  ledger: number,
  table: Name,
  ids: number[],
): Promise<Map<number, RowOf<Name>>> {
  if (ids.length === 0) return new Map();
  const columns = Object.entries<ColumnType>(TABLES[table]);
  const list = columns.map(([name]) => name).join(', ');
  const { rows } = await db.query<Record<string, unknown>>(
    `SELECT ${list} FROM ${table} WHERE ledger = $1 AND id = ANY($2)`,
    [ledger, ids],
  );
  const texts = columns.filter(([, type]) => type === 'text').map(([name]) => name);
  for (const row of rows) for (const name of texts) row[name] = unescapeText(row[name] as string);
  return new Map((rows as RowOf<Name>[]).map((row) => [row.id, row]));
}
