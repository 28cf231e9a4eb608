import { BUILT_IN_TYPES } from '../../../../../shared/built-in-types.ts';
import type { EventTarget } from '../../../../../shared/events/event.ts';
import { isObject } from '../../../../../shared/json.ts';
import { factsOf } from '../../../../../shared/landscape/facts.ts';
import { metadataOf } from '../../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef, ResourceType } from '../../../../../shared/types.ts';
import { believed } from '../../../../../shared/versions.ts';
import type { LedgerView, StoredObject } from '../../../../ledger/port/port.ts';

/** An object of a chain of controllers; `body` is null where the ledger does not have it, or the reader may not read it. */
export interface Link {
  object: ObjectRef;
  body: JsonObject | null;
}

type KnownType = Pick<ResourceType, 'group' | 'resource' | 'kind'>;

const MAX_OWNERS = 8;
/** Most Events tell seconds alone: what was made within that second may be later than they say. */
const SECOND_MS = 1_000;

/** Finds what objects that Events are about belong to, by the controllers in their bodies of then. */
export class EventOwners {
  private readonly chains = new Map<string, Promise<Link[]>>();
  private types: Promise<KnownType[]> | null = null;

  constructor(private readonly store: LedgerView) {}

  /** The resource of a kind; '' where it is not known. */
  async resourceOf({ group, kind }: Pick<KnownType, 'group' | 'kind'>): Promise<string> {
    return (await this.known()).find((type) => type.group === group && type.kind === kind)?.resource ?? '';
  }

  /** The kind of a resource; null where it is not known. */
  async kindOf({ group, resource }: Pick<KnownType, 'group' | 'resource'>): Promise<string | null> {
    return (await this.known()).find((type) => type.group === group && type.resource === resource)?.kind ?? null;
  }

  /** Events are also about what is not recorded, such as Leases. */
  private known(): Promise<KnownType[]> {
    this.types ??= this.store
      .resources()
      .then((seen) => [...seen.filter(({ kind }) => kind !== ''), ...BUILT_IN_TYPES]);
    return this.types;
  }

  /** The object, its controller, the controller of that, and so on; empty where the ledger does not know the object. */
  chainOf(target: EventTarget, at: number): Promise<Link[]> {
    const key = `${target.uid} ${target.group}/${target.kind} ${target.namespace}/${target.name}`;
    const known = this.chains.get(key) ?? this.follow(target, at);
    this.chains.set(key, known);
    return known;
  }

  private async follow(target: EventTarget, at: number): Promise<Link[]> {
    const chain: Link[] = [];
    let next: Wanted | null = target;
    while (next !== null && chain.length < MAX_OWNERS) {
      const link: Link | null = await this.find(next, at);
      if (link === null) break;
      chain.push(link);
      next = link.body === null ? null : controllerIn(link.body, link.object.namespace);
    }
    return chain;
  }

  private async find({ group, kind, namespace, name, uid }: Wanted, at: number): Promise<Link | null> {
    const resource = await this.resourceOf({ group, kind });
    if (resource === '') return null;
    for (const place of new Set([namespace, ''])) {
      const found = await this.store.incarnations({ group, resource, namespace: place, name });
      const object = found.find((one) => one.uid === uid) ?? (uid === '' ? found[0] : undefined);
      if (object === undefined) continue;
      const { id: _, ...ref } = object;
      return { object: ref, body: await this.bodyOf(object, at) };
    }
    return null;
  }

  /** As it was then; as it began, or ended, where it was not there then: an Event may be told before or after it. */
  private async bodyOf({ id }: StoredObject, at: number): Promise<JsonObject | null> {
    const then = await this.store.versions(id, await this.store.seqAt(at + SECOND_MS));
    const version = believed(then) ?? believed(await this.store.versions(id));
    if (version === null) return null;
    const seq = version.effect === 'deleted' ? version.parent : version.seq;
    return seq === null ? null : this.store.body(seq);
  }
}

type Wanted = Pick<EventTarget, 'group' | 'kind' | 'namespace' | 'name' | 'uid'>;

function controllerIn(body: JsonObject, namespace: string): Wanted | null {
  const { controller, references = [] } = factsOf(body);
  if (controller === undefined) return null;
  for (const { target } of references) {
    if (target.to === 'owner' && target.uid === controller) {
      const { group, kind, name, uid } = target;
      return { group, kind, namespace, name, uid };
    }
  }
  return null;
}

/** What says for which composition an object was made: of Krateo, and of Crossplane. */
const COMPOSITION_LABELS = ['krateo.io/composition-id', 'crossplane.io/composite'];

/** The composition that an object of the chain was made for; undefined where none says. */
export function compositionOf(chain: readonly Link[]): string | undefined {
  for (const { body } of chain) {
    const { labels } = metadataOf(body);
    if (!isObject(labels)) continue;
    for (const name of COMPOSITION_LABELS) {
      const value = labels[name];
      if (typeof value === 'string' && value !== '') return value;
    }
  }
  return undefined;
}
