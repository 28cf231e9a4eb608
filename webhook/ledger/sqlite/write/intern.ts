import { LRUCache } from 'lru-cache';
import { canonicalJson } from '../../../../shared/json.ts';
import type { Actor, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { byResource, type ChainedKind } from '../chain/chain.ts';
import type { Sqlite } from '../database/open.ts';

/** How many ids of each kind are remembered: bounds memory in a cluster of any size; the rest is looked up. */
const REMEMBERED = 20_000;

/** Gives ids to the texts, actors, resources and objects that changes refer to, adding those that are new. */
export class Interner {
  private readonly ids = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(db: Sqlite) {
    this.find = {
      text: db.prepare('SELECT id FROM texts WHERE value = ?').pluck(),
      actor: db.prepare('SELECT id FROM actors WHERE identity = ?').pluck(),
      resource: db.prepare('SELECT id FROM resources WHERE api_group = ? AND resource = ?').pluck(),
      object: db
        .prepare('SELECT id FROM objects WHERE resource_id = ? AND namespace_id = ? AND name = ? AND uid = ?')
        .pluck(),
    };
    this.add = {
      text: db.prepare('INSERT INTO texts (value) VALUES (?)'),
      actor: db.prepare('INSERT INTO actors (username, identity) VALUES (?, ?)'),
      resource: db.prepare('INSERT INTO resources (api_group, resource, kind, commit_id) VALUES (?, ?, ?, ?)'),
      object: db.prepare('INSERT INTO objects (resource_id, namespace_id, name, uid) VALUES (?, ?, ?, ?)'),
    };
    this.nameKind = db.prepare("UPDATE resources SET kind = ?, commit_id = ? WHERE id = ? AND kind = ''");
  }

  private readonly find;
  private readonly add;
  private readonly nameKind;
  private commitId = 0;
  private named: ChainedKind[] = [];

  /** Of the commit that ids are given for from here on. */
  begin(commitId: number): void {
    this.commitId = commitId;
    this.named = [];
  }

  /** The kinds of resources that were told since, by resource. */
  kinds(): ChainedKind[] {
    return this.named.sort(byResource);
  }

  text(value: string): number {
    return this.id(
      `t${value}`,
      () => this.find.text.get(value),
      () => this.add.text.run(value),
    );
  }

  actor(actor: Actor | null): { id: number | null; identity: string } {
    if (actor === null) return { id: null, identity: '' };
    const identity = canonicalJson(actor as unknown as JsonObject);
    const id = this.id(
      `a${identity}`,
      () => this.find.actor.get(identity),
      () => this.add.actor.run(actor.username, identity),
    );
    return { id, identity };
  }

  object(ref: ObjectRef): number {
    const resourceId = this.resource(ref);
    const namespaceId = this.text(ref.namespace);
    const values = [resourceId, namespaceId, ref.name, ref.uid];
    return this.id(
      `o${values.join('\0')}`,
      () => this.find.object.get(...values),
      () => this.add.object.run(...values),
    );
  }

  private resource(ref: ObjectRef): number {
    const id = this.id(
      `r${ref.group}\0${ref.resource}\0${ref.kind}`,
      () => this.find.resource.get(ref.group, ref.resource),
      () => this.add.resource.run(ref.group, ref.resource, '', 0),
    );
    if (ref.kind !== '' && !this.ids.has(`k${id}`)) {
      const { changes } = this.nameKind.run(ref.kind, this.commitId, id);
      if (changes > 0) this.named.push({ resource: `${ref.resource}.${ref.group}`, kind: ref.kind });
      this.ids.set(`k${id}`, id);
    }
    return id;
  }

  /** After a transaction that was rolled back, the ids it gave are not in the file. */
  forget(): void {
    this.ids.clear();
  }

  private id(key: string, find: () => unknown, add: () => { lastInsertRowid: number | bigint }): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = (find() as number | undefined) ?? Number(add().lastInsertRowid);
    this.ids.set(key, id);
    return id;
  }
}
