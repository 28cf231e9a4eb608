import { KubeblameError } from '../../shared/errors.ts';
import { nearest, qualifiedName, type NamedType } from '../../shared/resource-types.ts';
import type { KnownObject, LedgerReader, ResourceType, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { currentNamespace } from '../kubeconfig.ts';
import { printable } from '../views/text.ts';
import { readBelongings, scopesOfBelongings, type NamedBelongings } from './belonging.ts';
import type { Request } from './request.ts';
import { categoryOf, knownTypes, tellOtherTypes, typeOf, withTypeNames } from './types.ts';

/** What a command line's words mean: which objects, and how that is said. */
export interface Selection {
  scopes: Scope[];
  /** `deployment shop/web`, `namespace shop`, `the cluster`. */
  title: string;
  /** True where exactly one object is named. */
  single: boolean;
  /** True where the question is about everything, to be grouped by namespace. */
  broad: boolean;
  /** True where no type is named: the question is what happened. */
  story: boolean;
}

/** How many objects of a name or type are looked at for suggestions. */
const SUGGESTIONS = 1000;

/**
 * Reads `[TYPE [NAME...] | TYPE/NAME ...]` as kubectl does. Rejects with usage-invalid, type-unknown, or name-unknown,
 * which says where the name is instead, or names similar ones. Where a type's name means several types, stderr says
 * which one was taken. Resolves also with the io to answer with: it calls types by names that are clear in this ledger.
 */
export async function select(
  written: readonly string[],
  { ...request }: Request,
  reader: LedgerReader,
  io: Io,
): Promise<{ selection: Selection; io: Io }> {
  const { words, namespace } = withoutNamespace(written, request.namespace);
  const belongings = readBelongings(words);
  if (belongings === null && (request.rules.rules !== undefined || request.rules.rulesThen === true)) {
    throw new KubeblameError('usage-invalid', 'rules tell what belongs to an application or a team', 'name one: app/NAME or team/NAME'); // prettier-ignore
  }
  const place = belongings?.namespace ?? namespace;
  if (namespace !== undefined && place !== namespace) throw twoNamespaces(namespace, written);
  if (place !== undefined) request.namespace = place;
  const [types, { found, title, asked }] = await Promise.all([
    knownTypes(reader),
    belongings === null ? selectIn(words, request, reader, io) : selectBelongings(belongings, request, reader, io),
  ]);
  for (const { text, type } of asked) tellOtherTypes(text, type, types, io);
  const named = withTypeNames(io, types);
  return { selection: { ...found, title: title(named.style.typeName) }, io: named };
}

/** The words without the namespace that they name, and that namespace or the one of -n. Rejects with usage-invalid where they are two. */
export function withoutNamespace(
  written: readonly string[],
  flag: string | undefined,
): { words: readonly string[]; namespace?: string } {
  const { words, namespace = flag } = asHeadersWriteIt(written);
  if (flag !== undefined && namespace !== flag) {
    throw twoNamespaces(flag, written);
  }
  return { words, ...(namespace === undefined ? {} : { namespace }) };
}

function twoNamespaces(flag: string, written: readonly string[]): KubeblameError {
  return new KubeblameError('usage-invalid', `-n ${printable(flag)} and ${printable(written.join(' '))} name two namespaces`, 'leave one of them out'); // prettier-ignore
}

/** `deployment shop/web`, as our own headers write an object: TYPE NAMESPACE/NAME. */
function asHeadersWriteIt(words: readonly string[]): { words: readonly string[]; namespace?: string } {
  const [type = '', ...names] = words;
  const places = names.map((name) => /^([^/]+)\/([^/]+)$/.exec(name));
  const [namespace] = places.map((place) => place?.[1]);
  if (namespace === undefined || type.includes('/') || places.some((place) => place?.[1] !== namespace))
    return { words };
  return { words: [type, ...places.map((place) => place?.[2] ?? '')], namespace };
}

type TypeName = (type: ResourceType) => string;

interface Found {
  found: Pick<Selection, 'scopes' | 'single' | 'broad' | 'story'>;
  title: (typeName: TypeName) => string;
  /** The types that were named, as they were written. */
  asked: readonly { text: string; type: NamedType }[];
}

async function selectBelongings(
  belongings: NamedBelongings,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<Found> {
  // prettier-ignore
  if (request.namespace !== undefined) await requireNamespace(request.namespace, reader);
  const { scopes, title } = await scopesOfBelongings(belongings, request, reader, io);
  return { found: { scopes, single: false, broad: false, story: true }, title: () => title, asked: [] };
}

async function selectIn(words: readonly string[], request: Request, reader: LedgerReader, io: Io): Promise<Found> {
  const labels = request.labels === undefined ? {} : { labels: request.labels };
  // Every question about one namespace: a misspelt one is not an empty one.
  if (request.namespace !== undefined) await requireNamespace(request.namespace, reader);
  if (words.length === 0) {
    const scope = { ...labels, ...(request.namespace === undefined ? {} : { namespace: request.namespace }) };
    const title = request.namespace === undefined ? 'the cluster' : `namespace ${printable(request.namespace)}`;
    const found = { scopes: [scope], single: false, broad: request.namespace === undefined, story: true };
    return { found, title: () => title, asked: [] };
  }
  const { groups, category, asked } = await readWords(words, reader, io);
  const [first, ...others] = groups;
  if (first !== undefined && others.length === 0 && isNamespaceType(first.type) && first.names.length > 0) {
    for (const namespace of first.names) await requireNamespace(namespace, reader);
    const scopes = first.names.map((namespace) => ({ ...labels, namespace, withNamespaceObject: true }));
    const names = first.names.map((namespace) => printable(namespace)).join(', ');
    const title = `${first.names.length === 1 ? 'namespace' : 'namespaces'} ${names}`;
    return { found: { scopes, single: false, broad: false, story: true }, title: () => title, asked };
  }
  const scopes: Scope[] = [];
  const titles: ((typeName: TypeName) => string[])[] = [];
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
    // Of a category only some types have an object of this name.
    if (category === null) for (const name of names) await requireName(name, type, scope, reader);
    scopes.push(scope);
    titles.push((typeName) => titlesOf(type, names, namespace, typeName));
  }
  const single = groups.length === 1 && first?.names.length === 1 && !request.allNamespaces;
  const found = { scopes, single, broad: false, story: false };
  if (category === null) {
    return { found, title: (typeName) => titles.flatMap((title) => title(typeName)).join(', '), asked };
  }
  for (const name of first?.names ?? []) await requireAnywhere(name, category, scopes, reader);
  const [namespace] = scopes.flatMap((scope) => scope.namespace ?? []);
  const where = namespace === undefined ? '' : ` in namespace ${printable(namespace)}`;
  const names = (first?.names ?? []).map((name) => ` ${printable(name)}`).join(',');
  return { found, title: () => `${category}${names}${where}`, asked };
}

/** A name must be that of something in the category. */
async function requireAnywhere(name: string, category: string, scopes: readonly Scope[], reader: LedgerReader) {
  for (const scope of scopes)
    if ((await reader.objects({ scope: { ...scope, names: [name] }, limit: 1 })).length > 0) return;
  throw new KubeblameError(
    'name-unknown',
    `the ledger has nothing of ${category} that is called ${JSON.stringify(printable(name))}`,
    'add -n NAME for another namespace, or -A for all',
  );
}

function titlesOf(
  type: NamedType,
  names: readonly string[],
  namespace: string | undefined,
  typeName: TypeName,
): string[] {
  const inside = namespace === undefined ? '' : `${namespace}/`;
  const name = typeName(type);
  if (names.length > 0) return names.map((each) => printable(`${name} ${inside}${each}`));
  const plural = name === type.singular ? type.resource : qualifiedName(type);
  return [printable(`${plural}${namespace === undefined ? '' : ` in namespace ${namespace}`}`)];
}

interface Group {
  type: NamedType;
  names: string[];
}

interface Words {
  groups: Group[];
  /** Where the types were named together: `all`. */
  category: string | null;
  asked: { text: string; type: NamedType }[];
}

/** The types and names that words mean. Rejects with usage-invalid or type-unknown. */
export async function readWords(words: readonly string[], reader: LedgerReader, io: Io): Promise<Words> {
  const asked: Words['asked'] = [];
  const slashed = words.filter((word) => word.includes('/'));
  if (slashed.length === 0) {
    const [types = '', ...others] = words;
    const names = [...new Set(others)];
    const category = await categoryOf(types, reader, io);
    if (category !== null) return { groups: category.map((type) => ({ type, names })), category: types, asked };
    const groups: Group[] = [];
    for (const text of types.split(',')) {
      const type = await typeOf(text, reader, io);
      asked.push({ text, type });
      groups.push({ type, names });
    }
    return { groups, category: null, asked };
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
    if (!asked.some((before) => before.text === text)) asked.push({ text, type });
    const key = `${type.resource}.${type.group}`;
    const group = groups.get(key) ?? { type, names: [] };
    if (!group.names.includes(name)) group.names.push(name);
    groups.set(key, group);
  }
  return { groups: [...groups.values()], category: null, asked };
}

function isNamespaceType({ group, resource }: NamedType): boolean {
  return group === '' && resource === 'namespaces';
}

/** Rejects with name-unknown. */
export async function requireNamespace(namespace: string, reader: LedgerReader): Promise<void> {
  if ((await reader.objects({ scope: { namespace, withNamespaceObject: true }, limit: 1 })).length > 0) return;
  const all = await reader.objects({ scope: { type: { group: '', resource: 'namespaces' } }, limit: SUGGESTIONS });
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

/** Rejects with name-unknown where the ledger has nothing of this name in the scope: says where it is, or what is called alike. */
export async function requireName(name: string, type: NamedType, scope: Scope, reader: LedgerReader): Promise<void> {
  const here = { ...scope, names: [name] };
  if ((await reader.objects({ scope: here, limit: 1 })).length > 0) return;
  const what = `${type.singular} ${JSON.stringify(printable(name))}`;
  const { namespace, ...anywhere } = here;
  const elsewhere = namespace === undefined ? [] : await reader.objects({ scope: anywhere, limit: SUGGESTIONS });
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
  throw unknownName(
    `the ledger has no ${what}${inside}`,
    name,
    await reader.objects({ scope: others, limit: SUGGESTIONS }),
  );
}

function unknownName(message: string, name: string, known: readonly KnownObject[]): KubeblameError {
  const similar = nearest(
    name,
    known.map(({ object }) => object.name),
  ).map((text) => printable(text));
  const hint =
    similar.length > 0
      ? `similar: ${similar.join(', ')}`
      : 'it may have been created and deleted before recording began, or in a gap: see kubectl blame coverage';
  return new KubeblameError('name-unknown', message, hint);
}
