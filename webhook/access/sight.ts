import { KubeblameError } from '../../shared/errors.ts';
import { qualifiedName } from '../../shared/resource-types.ts';
import type { Actor, ObjectRef, Scope } from '../../shared/types.ts';
import type { LedgerStore } from '../store/port.ts';
import { livingNamespaces } from './namespaces.ts';
import type { Rights } from './reviews.ts';

type Type = Pick<ObjectRef, 'group' | 'resource'>;

/** The right to read history, besides `get` on what it is the history of. */
export const CHANGES: Type = { group: 'kubeblame.io', resource: 'changes' };
const ANYTHING: Type = { group: '*', resource: '*' };
const NAMESPACES: Type = { group: '', resource: 'namespaces' };

/** Rights that are asked for at once. */
const AT_ONCE = 16;

/** What one user may see of a scope: decided before the ledger is read, so that the time tells nothing of what is in it. */
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
}

/** For whom nothing is left out. */
export const FULL_SIGHT: Sight = {
  everywhere: () => true,
  inside: () => true,
  somewhere: () => true,
  namespaces: null,
  nothing: false,
  denied: [],
};

/** For whom everything is. */
export const NO_SIGHT: Sight = {
  everywhere: () => false,
  inside: () => false,
  somewhere: () => false,
  namespaces: [],
  nothing: true,
  denied: [],
};

type May = (verb: string, type: Type, namespace: string) => Promise<boolean>;

/**
 * What the user may see of a scope. Two rights are needed: `list` on `changes.kubeblame.io`, and `get` on the resource
 * itself, both in the object's namespace, or in the whole cluster. Rejects with forbidden where the first is missing
 * everywhere in the scope: a namespace that does not exist is answered alike.
 */
export async function sightOf(user: Actor, scope: Scope, rights: Rights, store: LedgerStore): Promise<Sight> {
  const may = rightsOf(user, rights);
  const [changesEverywhere, getsAnything] = await Promise.all([may('list', CHANGES, ''), may('get', ANYTHING, '')]);
  if (changesEverywhere && getsAnything) return FULL_SIGHT;

  const types = scope.type === undefined ? typesOf(await store.resources()) : [scope.type];
  const everywhere = new Set<string>();
  if (changesEverywhere) {
    await each(types, async (type) => {
      if (await may('get', type, '')) everywhere.add(qualifiedName(type));
    });
  }
  const rest = types.filter((type) => !everywhere.has(qualifiedName(type)));
  const allowed = rest.length === 0 ? [] : await namespacesWithHistory(may, scope, changesEverywhere, store);
  if (!changesEverywhere && allowed.length === 0) throw forbidden(user, scope);
  const cells = new Map<string, Type>();
  const pairs = allowed.flatMap((namespace) => rest.map((type) => ({ namespace, type })));
  await each(pairs, async ({ namespace, type }) => {
    if (await may('get', type, namespace)) cells.set(cellOf(namespace, type), type);
  });
  const inCells = new Set([...cells.values()].map(qualifiedName));
  const partly = changesEverywhere && scope.namespace === undefined;
  return {
    everywhere: (type) => everywhere.has(qualifiedName(type)),
    inside: (namespace, type) => everywhere.has(qualifiedName(type)) || cells.has(cellOf(namespace, type)),
    somewhere: (type) => everywhere.has(qualifiedName(type)) || inCells.has(qualifiedName(type)),
    namespaces: everywhere.size > 0 ? null : [...new Set([...cells.keys()].map(namespaceOfCell))].sort(),
    nothing: everywhere.size === 0 && cells.size === 0,
    denied: rest
      .filter((type) => partly || allowed.some((namespace) => !cells.has(cellOf(namespace, type))))
      .map(qualifiedName)
      .sort(),
  };
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
  return `${namespace}/${qualifiedName(type)}`;
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
