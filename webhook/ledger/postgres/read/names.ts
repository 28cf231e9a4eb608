import { LRUCache } from 'lru-cache';
import { parseJson } from '../../../../shared/json.ts';
import type { Actor } from '../../../../shared/types.ts';
import type { StoredObject } from '../../port/port.ts';
import type { Statements } from './statements.ts';

/** How many texts, users and objects are remembered each. */
const REMEMBERED = 20_000;

export const SELECT_OBJECT = `SELECT o.id, r.api_group AS "group", r.resource, r.kind, t.value AS namespace, o.name, o.uid
  FROM objects o JOIN resources r ON r.ledger = o.ledger AND r.id = o.resource_id
  JOIN texts t ON t.ledger = o.ledger AND t.id = o.namespace_id WHERE o.ledger = :ledger`;

/** The ids that a row has. */
interface Ids {
  object_id?: number;
  actor_id?: number | null;
  subresource_id?: number;
  manager_id?: number;
  api_version_id?: number;
}

/** What ids stand for: of rows that were prepared. */
export interface Named {
  text(id: number): string;
  actor(id: number): Actor;
  object(id: number): StoredObject;
}

/** What ids stand for. An id never comes to stand for something else, so that all can be remembered. */
export class Names {
  private readonly texts = new LRUCache<number, string>({ max: REMEMBERED });
  private readonly actors = new LRUCache<number, Actor>({ max: REMEMBERED });
  private readonly objects = new LRUCache<number, StoredObject>({ max: REMEMBERED });

  constructor(private readonly statements: Statements) {}

  /** Reads what the ids of some rows stand for: those that are not known, all at once. */
  async of(rows: readonly Ids[]): Promise<Named> {
    const ids = (of: (row: Ids) => (number | null | undefined)[]): number[] => [
      ...new Set(rows.flatMap(of).filter((id) => id !== null && id !== undefined)),
    ];
    const [texts, actors, objects] = await Promise.all([
      this.read(
        this.texts,
        ids((row) => [row.subresource_id, row.manager_id, row.api_version_id]),
        async (unknown) => {
          const sql = 'SELECT id, value FROM texts WHERE ledger = :ledger AND id = ANY (?::bigint[])';
          const found = await this.statements.all<{ id: number; value: string }>(sql, unknown);
          return found.map(({ id, value }) => [id, value]);
        },
      ),
      this.read(
        this.actors,
        ids((row) => [row.actor_id]),
        async (unknown) => {
          const sql = 'SELECT id, identity FROM actors WHERE ledger = :ledger AND id = ANY (?::bigint[])';
          const found = await this.statements.all<{ id: number; identity: string }>(sql, unknown);
          return found.map(({ id, identity }) => [id, parseJson(identity) as unknown as Actor]);
        },
      ),
      this.read(
        this.objects,
        ids((row) => [row.object_id]),
        async (unknown) => {
          const found = await this.statements.all<StoredObject>(
            `${SELECT_OBJECT} AND o.id = ANY (?::bigint[])`,
            unknown,
          );
          return found.map((object) => [object.id, object]);
        },
      ),
    ]);
    const known = <T>(what: string, values: ReadonlyMap<number, T>, id: number): T => {
      const value = values.get(id);
      if (value === undefined) throw new Error(`the ledger has no ${what} ${id}`);
      return value;
    };
    return {
      text: (id) => known('text', texts, id),
      actor: (id) => known('actor', actors, id),
      object: (id) => known('object', objects, id),
    };
  }

  private async read<T extends NonNullable<unknown>>(
    cache: LRUCache<number, T>,
    ids: readonly number[],
    load: (unknown: number[]) => Promise<[number, T][]>,
  ): Promise<Map<number, T>> {
    const found = new Map<number, T>();
    const unknown: number[] = [];
    for (const id of ids) {
      const value = cache.get(id);
      if (value === undefined) unknown.push(id);
      else found.set(id, value);
    }
    if (unknown.length === 0) return found;
    for (const [id, value] of await load(unknown)) {
      found.set(id, value);
      // The kind of a resource may be told later.
      if ((value as Partial<StoredObject>).kind !== '') cache.set(id, value);
    }
    return found;
  }
}
