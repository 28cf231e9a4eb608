import { isObject, memberOf } from './json.ts';
import type { Json, JsonObject } from './types.ts';

/** For autoscaling/v2: the type says where the name is. */
const METRIC = [
  ['type'],
  [
    'type',
    'resource.name',
    'containerResource.name',
    'containerResource.container',
    'pods.metric.name',
    'object.metric.name',
    'object.describedObject.name',
    'external.metric.name',
  ],
];

/*
 * The key that distinguishes the items of a list. The API's own merge keys (x-kubernetes-list-map-keys) are not part of the
 * objects, and there is no table of them for custom resources. So a general rule is used, with exceptions for the few fields
 * where it would read badly. A key counts only if it distinguishes all items in both versions of a list.
 */
const BY_FIELD: Record<string, string[][]> = {
  volumeMounts: [['mountPath']],
  volumeDevices: [['devicePath']],
  ownerReferences: [['kind', 'name'], ['uid']],
  subjects: [['kind', 'namespace', 'name']],
  taints: [['key', 'effect']],
  tolerations: [
    ['key', 'effect'],
    ['key', 'operator', 'value', 'effect'],
  ],
  metrics: METRIC,
  currentMetrics: METRIC,
  endpoints: [['targetRef.name'], ['hostname']],
  addresses: [['type'], ['type', 'address']],
  topologySpreadConstraints: [['topologyKey', 'whenUnsatisfiable']],
};

const GENERAL: string[][] = [
  ['name'],
  ['type'],
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
  ['key'],
  ['uid'],
  ['ip'],
  ['mountPath'],
  ['devicePath'],
  ['host'],
  ['path'],
  ['id'],
];

export interface Identified {
  /** Items by key, in the order of the list. Keys are escaped as in json.ts. */
  before: Map<string, Json>;
  after: Map<string, Json>;
}

/** The items of two versions of a list (`field` is its name) by their key; null if no key distinguishes them. */
export function identify(field: string, before: readonly Json[], after: readonly Json[]): Identified | null {
  const [first, second] = identifyAll(field, [before, after]) ?? [];
  return first === undefined || second === undefined ? null : { before: first, after: second };
}

/** The same for any number of versions: one key that distinguishes the items in all of them. */
export function identifyAll(field: string, lists: readonly (readonly Json[])[]): Map<string, Json>[] | null {
  if (lists.every((list) => list.length === 0)) return null;
  for (const keys of candidatesOf(field)) {
    const items = lists.flatMap((list) => byKey(list, keys) ?? []);
    if (items.length === lists.length) return items;
  }
  return null;
}

/** True if the key of items may be in this member, in a list of this name. */
export function mayIdentify(field: string, member: string): boolean {
  return candidatesOf(field).some((keys) => keys.some((key) => key.split('.')[0] === member));
}

/** The possible keys of a list of this name, the best first. */
function candidatesOf(field: string): string[][] {
  const own = (Object.hasOwn(BY_FIELD, field) ? BY_FIELD[field] : undefined) ?? [];
  return [...own, ...GENERAL];
}

/** null if an item is not an object, lacks the first of the keys, or has the same keys as another item. */
function byKey(list: readonly Json[], keys: string[]): Map<string, Json> | null {
  const items = new Map<string, Json>();
  for (const item of list) {
    const key = isObject(item) ? keyOf(item, keys) : null;
    if (key === null || items.has(key)) return null;
    items.set(key, item);
  }
  return items;
}

/** `8080/TCP`; the keys after the first may be missing. */
function keyOf(item: JsonObject, keys: string[]): string | null {
  const parts: string[] = [];
  for (const [index, key] of keys.entries()) {
    const value = memberOf(item, ...key.split('.'));
    if (typeof value === 'string' || typeof value === 'number') parts.push(String(value));
    else if (index === 0 || value !== undefined) return null;
  }
  return parts.join('/');
}
