import { KubeblameError } from '../../shared/errors.ts';
import { nearest, resolveType, typeOfDefinition, type NamedType } from '../../shared/resource-types.ts';
import type { KnownObject, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { currentNamespace } from '../kubeconfig.ts';
import { printable } from '../views/text.ts';
import type { Request } from './request.ts';

/** What a command line's words mean: which objects, and how that is said. */
export interface Selection {
  scopes: Scope[];
  /** `deployment shop/web`, `namespace shop`, `the cluster`. */
  title: string;
  /** True where exactly one object is named. */
  single: boolean;
  /** True where the question is about everything, to be grouped by namespace. */
  broad: boolean;
}

/** How many objects of a name or type are looked at for suggestions. */
const SUGGESTIONS = 1000;

/**
 * Reads `[TYPE [NAME...] | TYPE/NAME ...]` as kubectl does. Rejects with usage-invalid, type-unknown, or name-unknown,
 * which says where the name is instead, or names similar ones.
 */
export async function select(
  words: readonly string[],
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<Selection> {
  const labels = request.labels === undefined ? {} : { labels: request.labels };
  // Every question about one namespace: a misspelt one is not an empty one.
  if (request.namespace !== undefined) await requireNamespace(request.namespace, reader);
  if (words.length === 0) {
    const scope = { ...labels, ...(request.namespace === undefined ? {} : { namespace: request.namespace }) };
    const title = request.namespace === undefined ? 'the cluster' : `namespace ${printable(request.namespace)}`;
    return { scopes: [scope], title, single: false, broad: request.namespace === undefined };
  }
  const groups = await readWords(words, reader, io);
  const [first, ...others] = groups;
  if (first !== undefined && others.length === 0 && isNamespaceType(first.type) && first.names.length === 1) {
    const [namespace = ''] = first.names;
    const scope = { ...labels, namespace, withNamespaceObject: true };
    await requireNamespace(namespace, reader);
    return { scopes: [scope], title: `namespace ${printable(namespace)}`, single: false, broad: false };
  }
  const scopes: Scope[] = [];
  const titles: string[] = [];
  for (const { type, names } of groups) {
    const namespace =
      request.allNamespaces || type.namespaced === false
        ? undefined
        : (request.namespace ?? currentNamespace(io.env, request.cluster));
    const scope: Scope = {
      ...labels,
      type: { group: type.group, resource: type.resource },
      ...(namespace === undefined ? {} : { namespace }),
      ...(names.length === 0 ? {} : { names }),
    };
    for (const name of names) await requireName(name, type, scope, reader);
    scopes.push(scope);
    titles.push(...titlesOf(type, names, namespace));
  }
  const single = groups.length === 1 && first?.names.length === 1 && !request.allNamespaces;
  return { scopes, title: titles.join(', '), single, broad: false };
}

function titlesOf(type: NamedType, names: readonly string[], namespace: string | undefined): string[] {
  const inside = namespace === undefined ? '' : `${namespace}/`;
  if (names.length > 0) return names.map((name) => printable(`${type.singular} ${inside}${name}`));
  return [printable(`${type.resource}${namespace === undefined ? '' : ` in namespace ${namespace}`}`)];
}

interface Group {
  type: NamedType;
  names: string[];
}

async function readWords(words: readonly string[], reader: LedgerReader, io: Io): Promise<Group[]> {
  const slashed = words.filter((word) => word.includes('/'));
  if (slashed.length === 0) {
    const [types = '', ...names] = words;
    const groups: Group[] = [];
    for (const type of types.split(','))
      groups.push({ type: await typeOf(type, reader, io), names: [...new Set(names)] });
    return groups;
  }
  const [odd] = words.filter((word) => !/^[^/]+\/[^/]+$/.test(word));
  if (odd !== undefined) {
    throw new KubeblameError(
      'usage-invalid',
      `${JSON.stringify(odd)} is not TYPE/NAME`,
      'give all as TYPE/NAME, or one TYPE and its names',
    );
  }
  const groups = new Map<string, Group>();
  for (const word of words) {
    const [text = '', name = ''] = word.split('/');
    const type = await typeOf(text, reader, io);
    const key = `${type.resource}.${type.group}`;
    const group = groups.get(key) ?? { type, names: [] };
    if (!group.names.includes(name)) group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Kubernetes' own types are known; of others the ledger has seen some, and their definitions tell all their names. */
export async function typeOf(text: string, reader: LedgerReader, io: Io): Promise<NamedType> {
  try {
    return resolveType(text, []);
  } catch {
    const seen = await reader.resources();
    const type = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' };
    const definitions = seen.some(({ resource }) => resource === type.resource)
      ? await reader.states({ scope: { type }, at: io.now, limit: 500 })
      : { states: [] };
    const defined = definitions.states.flatMap(({ body }) => typeOfDefinition(body) ?? []);
    const found = resolveType(text, [...defined, ...seen]);
    if (found.namespaced !== null) return found;
    // Its definition was not recorded: its objects tell.
    const [known] = await reader.objects({ type: { group: found.group, resource: found.resource } }, 1);
    return { ...found, namespaced: known === undefined ? null : known.object.namespace !== '' };
  }
}

function isNamespaceType({ group, resource }: NamedType): boolean {
  return group === '' && resource === 'namespaces';
}

async function requireNamespace(namespace: string, reader: LedgerReader): Promise<void> {
  if ((await reader.objects({ namespace, withNamespaceObject: true }, 1)).length > 0) return;
  const all = await reader.objects({ type: { group: '', resource: 'namespaces' } }, SUGGESTIONS);
  const message = `namespace ${JSON.stringify(printable(namespace))} is not in the ledger`;
  if (/^\d+$/.test(namespace)) {
    // git's habit.
    throw new KubeblameError(
      'name-unknown',
      message,
      `-n is the namespace; for ${namespace} changes: --limit ${namespace}`,
    );
  }
  throw unknownName(message, namespace, all);
}

async function requireName(name: string, type: NamedType, scope: Scope, reader: LedgerReader): Promise<void> {
  const here = { ...scope, names: [name] };
  if ((await reader.objects(here, 1)).length > 0) return;
  const what = `${type.singular} ${JSON.stringify(printable(name))}`;
  const { namespace, ...anywhere } = here;
  const elsewhere = namespace === undefined ? [] : await reader.objects(anywhere, SUGGESTIONS);
  const [place] = [...new Set(elsewhere.map(({ object }) => object.namespace))];
  if (place !== undefined) {
    throw new KubeblameError(
      'name-unknown',
      `${what} is not in namespace ${printable(namespace ?? '')}; it is in ${printable(place)}`,
      `add -n ${printable(place)}, or -A for all namespaces`,
    );
  }
  const { names: _, ...others } = here;
  const inside = namespace === undefined ? '' : ` in namespace ${printable(namespace)}`;
  throw unknownName(`the ledger has no ${what}${inside}`, name, await reader.objects(others, SUGGESTIONS));
}

function unknownName(message: string, name: string, known: readonly KnownObject[]): KubeblameError {
  const similar = nearest(
    name,
    known.map(({ object }) => object.name),
  ).map((text) => printable(text));
  const hint =
    similar.length > 0
      ? `similar: ${similar.join(', ')}`
      : 'it may have been created and deleted before recording began';
  return new KubeblameError('name-unknown', message, hint);
}
