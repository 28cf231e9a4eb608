import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { isReal, type ChangeFilter, type LedgerView, type StoredChange } from '../../../ledger/port/port.ts';
import type { States } from '../../../ledger/port/states.ts';

/** A tool's own object at a moment, and the change that it is as it is since. */
export interface ToolState {
  change: StoredChange;
  body: JsonObject;
}

/** Changes of a tool's object that are looked through, back from a moment or on from it. */
const MAX_CHANGES = 40;

/** Looks up what tools wrote about themselves. Remembers it for one answer. */
export class ToolRecords {
  private readonly named = new Map<string, Promise<ObjectRef[]>>();
  private readonly at = new Map<number, Promise<number>>();

  constructor(
    private readonly store: LedgerView,
    private readonly states: States,
  ) {}

  /** The objects of a name, in all namespaces where none is given; several incarnations of one are one. */
  objects(group: string, resource: string, name: string, namespace = ''): Promise<ObjectRef[]> {
    const key = JSON.stringify([group, resource, name, namespace]);
    const found = this.named.get(key) ?? this.load(group, resource, name, namespace);
    this.named.set(key, found);
    return found;
  }

  /** The newest persisted states of an object before a change, newest first; at most MAX_CHANGES. */
  async before(object: ObjectRef, seq: number): Promise<ToolState[]> {
    return this.read({ ...filterOf(object), maxSeq: seq - 1 });
  }

  /** The oldest persisted states of an object after a change, oldest first, of those within a time (ms). */
  async after(object: ObjectRef, { seq, at }: StoredChange, within: number): Promise<ToolState[]> {
    const states = await this.read({ ...filterOf(object), minSeq: seq + 1, maxSeq: await this.seqAt(at + within) });
    return states.reverse();
  }

  /** The newest persisted states of an object after a change, oldest first; at most MAX_CHANGES. */
  async since(object: ObjectRef, seq: number): Promise<ToolState[]> {
    return (await this.read({ ...filterOf(object), minSeq: seq + 1 })).reverse();
  }

  /** The newest persisted changes that match, newest first, each with its object as it was after it. */
  async read(filter: ChangeFilter): Promise<ToolState[]> {
    const found: ToolState[] = [];
    for (const change of await this.store.changes(filter, MAX_CHANGES)) {
      if (!isReal(change)) continue;
      const body = await this.states.after(change.seq);
      if (body !== null) found.push({ change, body });
    }
    return found;
  }

  /** The newest object that matches, as it is now; null where there is none. */
  async newest(filter: ChangeFilter): Promise<JsonObject | null> {
    const newest = (await this.store.changes(filter, MAX_CHANGES)).find(isReal);
    return newest === undefined ? null : this.states.after(newest.seq);
  }

  private seqAt(at: number): Promise<number> {
    const found = this.at.get(at) ?? this.store.seqAt(at);
    this.at.set(at, found);
    return found;
  }

  private async load(group: string, resource: string, name: string, namespace: string): Promise<ObjectRef[]> {
    const filter = { type: { group, resource }, names: [name], ...(namespace === '' ? {} : { namespace }) };
    const objects = await this.store.objects(filter, MAX_CHANGES);
    return [...new Map(objects.map(({ id: _, ...object }) => [`${object.namespace}/${object.name}`, object])).values()];
  }
}

function filterOf({ group, resource, namespace, name }: ObjectRef): ChangeFilter {
  return { type: { group, resource }, namespace, names: [name] };
}
