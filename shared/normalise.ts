import { isObject, itemsOf, sameJson } from './json.ts';
import type { Json, JsonObject, ObjectRef, ResourceType } from './types.ts';

/** An object as it is recorded, and the facts about it that are not part of its body. */
export interface Normalised {
  /**
   * Without managedFields (a third of the bytes, and not history), without resourceVersion, and, for nodes, without the times
   * of heartbeats, which report every five minutes that nothing has changed.
   */
  body: JsonObject;
  /** The resourceVersion of the object that was read: in a review, the one before the request. '' if there is none. */
  resourceVersion: string;
  managedFields: ManagedField[];
}

/** An entry of metadata.managedFields: who last set what. */
export interface ManagedField {
  manager: string;
  /** RFC 3339, in seconds; '' where it is missing. */
  time: string;
  /** True for the entry of a server-side apply. */
  applied: boolean;
  /** Two entries are the same if these are equal: the whole entry, or its text. */
  entry: Json;
}

/** Splits an object into its body and these facts. The argument is not changed; the body shares parts with it. */
export function normalise(object: JsonObject): Normalised {
  const metadata = metadataOf(object);
  const { managedFields, resourceVersion, ...rest } = metadata;
  return {
    body: withoutHeartbeats({ ...object, metadata: rest }),
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    managedFields: readManagedFields(managedFields),
  };
}

/** A node's body without heartbeat times; any other body unchanged. */
export function withoutHeartbeats(body: JsonObject): JsonObject {
  if (body.kind !== 'Node' || body.apiVersion !== 'v1' || !isObject(body.status)) return body;
  const { conditions } = body.status;
  if (!Array.isArray(conditions)) return body;
  const kept = conditions.map((condition) => {
    if (!isObject(condition)) return condition;
    const { lastHeartbeatTime: _, ...rest } = condition;
    return rest;
  });
  return { ...body, status: { ...body.status, conditions: kept } };
}

/** The metadata of an object; empty if it has none. */
export function metadataOf(object: JsonObject | null): JsonObject {
  return object !== null && isObject(object.metadata) ? object.metadata : {};
}

/** The identity of an object whose type is known. */
export function refOf(object: JsonObject, { group, resource, kind }: ResourceType): ObjectRef {
  return {
    group,
    resource,
    kind,
    namespace: metadataText(object, 'namespace'),
    name: metadataText(object, 'name'),
    uid: metadataText(object, 'uid'),
  };
}

/** The apiVersion of an object; '' where it has none. */
export function apiVersionOf(object: JsonObject | null): string {
  const value = object?.apiVersion;
  return typeof value === 'string' ? value : '';
}

/** A string below metadata; '' where it is missing. */
export function metadataText(object: JsonObject | null, key: string): string {
  const value = metadataOf(object)[key];
  return typeof value === 'string' ? value : '';
}

function readManagedFields(value: Json | undefined): ManagedField[] {
  return itemsOf(value).map((entry) => managedField(entry, entry));
}

/** Reads an entry of metadata.managedFields; `identity` is what entries are compared by. */
export function managedField({ manager, time, operation }: JsonObject, identity: Json): ManagedField {
  return {
    manager: typeof manager === 'string' ? manager : '',
    time: typeof time === 'string' ? time : '',
    applied: operation === 'Apply',
    entry: identity,
  };
}

/** The entries that were added or changed between two versions of an object. */
export function touchedEntries(before: readonly ManagedField[], after: readonly ManagedField[]): ManagedField[] {
  return after.filter(({ entry }) => !before.some((known) => sameJson(known.entry, entry)));
}

/**
 * The field manager that sent a request: `options.fieldManager`, or else that of the newest entry that the request added or
 * changed. '' if neither is there.
 */
export function fieldManager(options: JsonObject | null, before: ManagedField[], after: ManagedField[]): string {
  const named = options?.fieldManager;
  if (typeof named === 'string' && named !== '') return named;
  const newest = touchedEntries(before, after).reduce<ManagedField | undefined>(
    (best, entry) => (best === undefined || entry.time > best.time ? entry : best),
    undefined,
  );
  return newest?.manager ?? '';
}

/** True if the request was a server-side apply: its manager has left an entry with the operation Apply. */
export function isServerSideApply(manager: string, before: ManagedField[], after: ManagedField[]): boolean {
  return touchedEntries(before, after).some((entry) => entry.applied && entry.manager === manager);
}
