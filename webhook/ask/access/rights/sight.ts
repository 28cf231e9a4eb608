import { KubeblameError } from '../../../../shared/errors.ts';
import { qualifiedName } from '../../../../shared/resource-types.ts';
import type { Actor, ObjectRef, Scope } from '../../../../shared/types.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { ACT_VERBS, ACTS, isAct, objectTypeOf, typeName, type Type } from './acts.ts';
import { livingNamespaces } from './namespaces.ts';
import type { Rights } from './access-reviews.ts';

/** The right to read history, besides `get` on what it is the history of. */
export const CHANGES: Type = { group: 'kubeblame.io', resource: 'changes' };
const ANYTHING: Type = { group: '*', resource: '*' };
const NAMESPACES: Type = { group: '', resource: 'namespaces' };
/** Events of core/v1 and of events.k8s.io are the same objects; the right that counts is the one that `kubectl get events` asks for. */
export const EVENTS: Type = { group: '', resource: 'events' };

/** Rights that are asked for at once. */
const AT_ONCE = 16;

/**
 * What one user may see of a scope: decided before the ledger is read, so that the time tells nothing of what is in it. Acts are
 * asked about as types of their own (acts.ts).
 */
export interface Sight {
  /** Types that are seen wherever the object is or was: also cluster-wide ones and those of deleted namespaces. */
  everywhere(type: Type): boolean;
  /** Whether objects of a type are seen in a namespace that exists. A Namespace is in itself, as for the API server. */
  inside(namespace: string, type: Type): boolean;
  /** Whether objects of a type are seen anywhere at all. */
  somewhere(type: Type): boolean;
  /** The only namespaces in which anything is seen; null where some type is seen everywhere. */
  namespaces: string[] | null;
  /** True where nothing can be seen, whatever the ledger holds. */
  nothing: boolean;
  /** Types that the user may not read, or not everywhere in the scope: `secrets`, `deployments.apps`; sorted. */
  denied: string[];
  /** The same of acts on objects that the user may read: `pods/exec`. */
  deniedActs: string[];
}

/** For whom nothing is left out. */
export const FULL_SIGHT: Sight = {
  everywhere: () => true,
  inside: () => true,
  somewhere: () => true,
  namespaces: null,
  nothing: false,
  denied: [],
  deniedActs: [],
};

/** For whom everything is. */
export const NO_SIGHT: Sight = {
  everywhere: () => false,
  inside: () => false,
  somewhere: () => false,
  namespaces: [],
  nothing: true,
  denied: [],
  deniedActs: [],
};

type May = (verb: string, type: Type, namespace: string) => Promise<boolean>;

/**
 * What the user may see of a scope. Two rights are needed: `list` on `changes.kubeblame.io`, and `get` on the resource
 * itself, both in the object's namespace, or in the whole cluster. Rejects with forbidden where the first is missing
 * everywhere in the scope: a namespace that does not exist is answered alike. `besides`: a type that is asked for, whatever types the ledger
 * has seen.
 */
export async function sightOf(
  user: Actor,
  scope: Scope,
  rights: Rights,
  store: LedgerStore,
  besides?: Type,
): Promise<Sight> {
  const may = rightsOf(user, rights);
  const [changesEverywhere, getsAnything] = await Promise.all([may('list', CHANGES, ''), may('get', ANYTHING, '')]);
  if (changesEverywhere && getsAnything) return FULL_SIGHT;

  const known: Type[] = scope.type === undefined ? typesOf(await store.resources()) : [scope.type];
  const isKnown = besides === undefined || known.some((type) => typeName(type) === typeName(besides));
  const objectTypes = isKnown ? known : [...known, besides];
  const names = new Set(objectTypes.map(typeName));
  const types = [...objectTypes, ...ACTS.filter((act) => names.has(typeName(objectTypeOf(act))))];
  const everywhere = new Set<string>();
  if (changesEverywhere) {
    await each(types, async (type) => {
      if (await maySee(may, type, '')) everywhere.add(typeName(type));
    });
  }
  const rest = types.filter((type) => !everywhere.has(typeName(type)));
  const allowed = rest.length === 0 ? [] : await namespacesWithHistory(may, scope, changesEverywhere, store);
  if (!changesEverywhere && allowed.length === 0) throw forbidden(user, scope);
  const cells = new Map<string, Type>();
  const pairs = allowed.flatMap((namespace) => rest.map((type) => ({ namespace, type })));
  await each(pairs, async ({ namespace, type }) => {
    if (await maySee(may, type, namespace)) cells.set(cellOf(namespace, type), type);
  });
  const inCells = new Set([...cells.values()].map(typeName));
  const somewhere = (type: Type): boolean => everywhere.has(typeName(type)) || inCells.has(typeName(type));
  const partly = changesEverywhere && scope.namespace === undefined;
  const denied = rest.filter((type) => partly || allowed.some((namespace) => !cells.has(cellOf(namespace, type))));
  // Without the right on the object, the one on its acts shows nothing.
  const objectsEverywhere = objectTypes.some((type) => everywhere.has(typeName(type)));
  const objectCells = [...cells].filter(([, type]) => !isAct(type)).map(([cell]) => namespaceOfCell(cell));
  return {
    everywhere: (type) => everywhere.has(typeName(type)),
    inside: (namespace, type) => everywhere.has(typeName(type)) || cells.has(cellOf(namespace, type)),
    somewhere,
    namespaces: objectsEverywhere ? null : [...new Set(objectCells)].sort(),
    nothing: !objectsEverywhere && objectCells.length === 0,
    denied: sortedNames(denied.filter((type) => !isAct(type))),
    deniedActs: sortedNames(denied.filter((type) => isAct(type) && somewhere(objectTypeOf(type)))),
  };
}

function sortedNames(types: readonly Type[]): string[] {
  return types.map(typeName).sort();
}

/** Whether the history of a type, or of an act, may be read in a namespace; '': in the whole cluster. */
async function maySee(may: May, type: Type, namespace: string): Promise<boolean> {
  if (!isAct(type)) return may('get', type, namespace);
  for (const verb of ACT_VERBS) if (await may(verb, type, namespace)) return true;
  return false;
}

/**
 * Whether the user may read the history of everything; rejects with forbidden where they may read none at all. For what
 * is true of the whole ledger, such as its coverage.
 */
export async function readsEverything(user: Actor, rights: Rights, store: LedgerStore): Promise<boolean> {
  const may = rightsOf(user, rights);
  const [changes, gets] = await Promise.all([may('list', CHANGES, ''), may('get', ANYTHING, '')]);
  if (!changes && (await namespacesWithHistory(may, {}, false, store)).length === 0) throw forbidden(user, {});
  return changes && gets;
}

function rightsOf(user: Actor, rights: Rights): May {
  return (verb, { group, resource }, namespace) => rights.may(user, { verb, group, resource, namespace });
}

/** Of the scope's namespaces those whose history may be read. All that exist are asked for: the time tells nothing. */
async function namespacesWithHistory(may: May, scope: Scope, all: boolean, store: LedgerStore): Promise<string[]> {
  const candidates = scope.namespace === undefined ? await livingNamespaces(store) : [scope.namespace];
  if (all) return candidates;
  const allowed: string[] = [];
  await each(candidates, async (namespace) => {
    if (await may('list', CHANGES, namespace)) allowed.push(namespace);
  });
  return allowed;
}

/** Where an object's rights are looked up: a Namespace is asked for inside itself. */
export function placeOf({ group, resource, namespace, name }: ObjectRef): string {
  return group === NAMESPACES.group && resource === NAMESPACES.resource ? name : namespace;
}

/** Those that the ledger has seen: not those in the scope, which would tell what is there. */
function typesOf(seen: readonly Type[]): Type[] {
  return seen.some((type) => qualifiedName(type) === 'namespaces') ? [...seen] : [...seen, NAMESPACES];
}

function cellOf(namespace: string, type: Type): string {
  return `${namespace}/${typeName(type)}`;
}

function namespaceOfCell(cell: string): string {
  return cell.slice(0, cell.indexOf('/'));
}

function forbidden({ username }: Actor, { namespace }: Scope): KubeblameError {
  const where = namespace === undefined ? 'in any namespace' : `in namespace ${JSON.stringify(namespace)}`;
  return new KubeblameError(
    'forbidden',
    `${JSON.stringify(username)} may not list changes.kubeblame.io ${where}`,
    'the roles view, edit and admin allow it: docs/rbac.md',
  );
}

/** Runs `work` for all items, some at once. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, queue.length) }, worker));
}
