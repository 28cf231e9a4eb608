import { ownersOf } from './causes/fact.ts';
import { typeOfDefinition } from './resource-types.ts';
import type { JsonObject, ObjectRef, State } from './types.ts';

/** An object with its body. */
type Whole = Pick<State, 'object' | 'body'>;

/**
 * Those of `others` that Kubernetes deletes together with an object: everything in a namespace, all objects of a definition,
 * everything that has no owner left, and their dependents in turn. `others` are of one moment; the object may be among them.
 */
export function dependentsOf(root: Whole, others: readonly Whole[]): Whole[] {
  const going = new Map([[idOf(root.object), root]]);
  const found: Whole[] = [];
  const rest = new Set(others.filter(({ object }) => idOf(object) !== idOf(root.object)));
  const gone = (): Gone => ({
    uids: new Set([...going.values()].map(({ object }) => object.uid)),
    namespaces: new Set(namesOf(going.values(), '', 'namespaces')),
    types: new Set([...going.values()].flatMap(({ body }) => definedType(body) ?? [])),
  });
  for (let added = true; added;) {
    added = false;
    const now = gone();
    for (const other of rest) {
      if (!goesWith(other, now)) continue;
      rest.delete(other);
      going.set(idOf(other.object), other);
      found.push(other);
      added = true;
    }
  }
  return found;
}

interface Gone {
  uids: ReadonlySet<string>;
  namespaces: ReadonlySet<string>;
  types: ReadonlySet<string>;
}

function goesWith({ object, body }: Whole, { uids, namespaces, types }: Gone): boolean {
  if (namespaces.has(object.namespace) || types.has(`${object.resource}.${object.group}`)) return true;
  const owners = ownersOf(body);
  // With several owners, it is deleted with the last one.
  return owners.length > 0 && owners.every(({ uid }) => uids.has(uid));
}

function namesOf(objects: Iterable<Whole>, group: string, resource: string): string[] {
  return [...objects].flatMap(({ object }) => (object.group === group && object.resource === resource ? [object.name] : [])); // prettier-ignore
}

/** `features.shop.example.com`; null for an object that defines no type. */
function definedType(body: JsonObject): string | null {
  if (body.kind !== 'CustomResourceDefinition') return null;
  const type = typeOfDefinition(body);
  return type === null ? null : `${type.resource}.${type.group}`;
}

function idOf({ group, resource, namespace, name }: ObjectRef): string {
  return JSON.stringify([group, resource, namespace, name]);
}

/** Namespaces without which a cluster does not work. */
const NAMESPACES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

/** True for what must not be deleted by mistake: nodes, and the namespaces of Kubernetes itself. */
export function isVital({ group, resource, name }: ObjectRef): boolean {
  if (group !== '') return false;
  return resource === 'nodes' || (resource === 'namespaces' && NAMESPACES.has(name));
}
