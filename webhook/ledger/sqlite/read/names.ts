import { parseJson } from '../../../../shared/json.ts';
import type { Actor } from '../../../../shared/types.ts';
import type { StoredObject } from '../../port/port.ts';
import type { Statements } from '../database/statements.ts';

/** How many interned texts, actors and objects are remembered each; then all are forgotten, and read again. */
const REMEMBERED = 20_000;

export const SELECT_OBJECT = `SELECT o.id, r.api_group AS "group", r.resource, r.kind, t.value AS namespace, o.name, o.uid
  FROM objects o JOIN resources r ON r.id = o.resource_id JOIN texts t ON t.id = o.namespace_id`;

/** What interned ids stand for. */
export class Names {
  private readonly texts = new Map<number, string>();
  private readonly actors = new Map<number, Actor>();
  private readonly objects = new Map<number, StoredObject>();

  constructor(private readonly statements: Statements) {}

  /** After ids were removed from the file. */
  forget(): void {
    for (const cache of [this.texts, this.actors, this.objects]) cache.clear();
  }

  /** Reads the objects of some rows at once: one by one takes longer than the rows themselves. */
  prepare(rows: readonly { object_id: number }[]): void {
    const unknown = [...new Set(rows.map((row) => row.object_id))].filter((id) => !this.objects.has(id));
    if (unknown.length < 2) return;
    const found = this.statements.all<StoredObject>(
      `${SELECT_OBJECT} WHERE o.id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(unknown),
    );
    for (const object of found) remember(this.objects, object.id, () => object);
  }

  text(id: number): string {
    return remember(
      this.texts,
      id,
      () => this.statements.get<{ value: string }>('SELECT value FROM texts WHERE id = ?', id)?.value ?? '',
    );
  }

  actor(id: number): Actor {
    return remember(this.actors, id, () => {
      const row = this.statements.get<{ identity: string }>('SELECT identity FROM actors WHERE id = ?', id);
      // As it was written: a name may start with what stands for something else in memory (shared/json.ts).
      return parseJson(row?.identity ?? '{"username":"","groups":[]}') as unknown as Actor;
    });
  }

  object(id: number): StoredObject {
    return remember(this.objects, id, () => {
      const object = this.statements.get<StoredObject>(`${SELECT_OBJECT} WHERE o.id = ?`, id);
      if (object === null) throw new Error(`the ledger has no object ${id}`);
      return object;
    });
  }
}

/** Of every row that is read several are asked for: a Map is several times as fast as a cache that knows what is oldest. */
function remember<T extends NonNullable<unknown>>(known: Map<number, T>, id: number, load: () => T): T {
  let value = known.get(id);
  if (value === undefined) {
    value = load();
    if (known.size >= REMEMBERED) known.clear();
    known.set(id, value);
  }
  return value;
}
