import { distance } from 'fastest-levenshtein';
import { BUILT_IN_TYPES, type NamedType } from './built-in-types.ts';
import { KubeblameError } from './errors.ts';
import { isObject } from './json.ts';
import type { Json, JsonObject, ResourceType } from './types.ts';

export type { NamedType } from './built-in-types.ts';

/**
 * The type that a user means: kind, singular, plural or short name in any case, also `NAME.GROUP` (the group may be
 * shortened if that is enough: `deploy.apps`, `features.shop`) and `NAME.VERSION.GROUP`. Types of Kubernetes itself come
 * before those that the ledger has seen (`seen`). Throws KubeblameError type-unknown, with the nearest ones as a hint.
 */
export function resolveType(text: string, seen: readonly (ResourceType | NamedType)[]): NamedType {
  const types = allTypes(seen);
  const [first] = matchesOf(text, types);
  if (first === undefined) throw unknownType(text, types);
  return first;
}

/** All types that a text may mean, in kubectl's order of preference: several groups may have a type of the same name. */
export function typesCalled(text: string, seen: readonly (ResourceType | NamedType)[]): NamedType[] {
  return matchesOf(text, allTypes(seen));
}

/** The types of a category, such as `all`; empty if there is no such category. */
export function typesInCategory(category: string, seen: readonly (ResourceType | NamedType)[]): NamedType[] {
  return allTypes(seen).filter(({ categories = [] }) => categories.includes(category.toLowerCase()));
}

function matchesOf(text: string, types: readonly NamedType[]): NamedType[] {
  const wanted = text.toLowerCase();
  const whole = types.filter((type) => namesOf(type).includes(wanted));
  if (whole.length > 0) return whole;
  const dot = wanted.indexOf('.');
  if (dot <= 0) return [];
  const [name, rest] = [wanted.slice(0, dot), wanted.slice(dot + 1)];
  const named = types.filter((type) => namesOf(type).includes(name));
  for (const group of [rest, withoutVersion(rest)]) {
    if (group === null) continue;
    const exact = named.filter((type) => type.group === group);
    if (exact.length > 0) return exact;
    const begun = group === '' ? [] : named.filter((type) => type.group.startsWith(`${group}.`));
    if (begun.length > 0) return begun;
  }
  return [];
}

/** The names and scope that a CustomResourceDefinition declares for its type; null if it declares nothing usable. */
export function typeOfDefinition(definition: JsonObject): NamedType | null {
  const { spec } = definition;
  if (spec === undefined || !isObject(spec) || spec['names'] === undefined || !isObject(spec['names'])) return null;
  const { plural, kind, singular, shortNames, categories } = spec['names'];
  const { group, scope } = spec;
  if (typeof plural !== 'string' || typeof kind !== 'string' || typeof group !== 'string') return null;
  return {
    group,
    resource: plural,
    kind,
    singular: typeof singular === 'string' && singular !== '' ? singular : kind.toLowerCase(),
    shortNames: Array.isArray(shortNames) ? shortNames.filter(isText) : [],
    ...(Array.isArray(categories) ? { categories: categories.filter(isText) } : {}),
    namespaced: scope !== 'Cluster',
  };
}

function isText(value: Json): value is string {
  return typeof value === 'string';
}

/** `deployments.apps`, or `pods` for the core group: the one name that is never ambiguous. */
export function qualifiedName({ resource, group }: Pick<ResourceType, 'resource' | 'group'>): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** The name that people write: `deployment`, with its group if a built-in type has the same name. */
export function displayName({ group, resource, kind }: ResourceType): string {
  const name = (kind === '' ? resource : kind).toLowerCase();
  const preferred = BUILT_IN_TYPES.find((type) => type.singular === name);
  return preferred === undefined || preferred.group === group ? name : `${name}.${group}`;
}

/**
 * Names of types when other types are known: the group is added if a custom type shares its name with another type, so that
 * `cluster.postgresql.cnpg.io` and `cluster.cluster.x-k8s.io` are told apart.
 */
export function typeNamer(known: readonly ResourceType[]): (type: ResourceType) => string {
  const groups = new Map<string, Set<string>>();
  for (const type of known) {
    const name = displayName(type);
    groups.set(name, (groups.get(name) ?? new Set()).add(type.group));
  }
  return (type) => {
    const name = displayName(type);
    const others = [...(groups.get(name) ?? [])].some((group) => group !== type.group);
    const isBuiltIn = BUILT_IN_TYPES.some(({ group, singular }) => group === type.group && singular === name);
    return others && !isBuiltIn && type.group !== '' ? `${name}.${type.group}` : name;
  };
}

function allTypes(seen: readonly (ResourceType | NamedType)[]): NamedType[] {
  const types = new Map(BUILT_IN_TYPES.map((type) => [qualifiedName(type), type]));
  for (const type of [...seen].sort((a, b) => (a.group < b.group ? -1 : 1))) {
    const name = qualifiedName(type);
    const known = types.get(name);
    if (known === undefined || (known.namespaced === null && 'singular' in type)) {
      types.set(
        name,
        'singular' in type ? type : { ...type, singular: type.kind.toLowerCase(), shortNames: [], namespaced: null },
      );
    }
  }
  return [...types.values()];
}

function namesOf(type: NamedType): string[] {
  return [type.resource, type.singular, type.kind.toLowerCase(), ...type.shortNames];
}

/** The group after a version: `v1.apps` is apps, `v1` and `v1.` are the core group; null if there is no version. */
function withoutVersion(rest: string): string | null {
  const match = /^v\d+(?:(?:alpha|beta)\d+)?(?:\.(.*))?$/.exec(rest);
  return match === null ? null : (match[1] ?? '');
}

const MAX_SUGGESTIONS = 3;

/** The names that could be meant, nearest first: at most a third of the letters differ. */
export function nearest(text: string, names: readonly string[]): string[] {
  const wanted = text.toLowerCase();
  const scored = [...new Set(names)].map((name) => ({
    name,
    score: name.toLowerCase().startsWith(wanted) && wanted.length > 2 ? 0 : editsBetween(wanted, name.toLowerCase()),
  }));
  const allowed = wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3));
  return scored
    .filter(({ score, name }) => score <= allowed && score < name.length)
    .sort((a, b) => a.score - b.score)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
}

/** Two swapped letters count as one error. */
function editsBetween(wanted: string, name: string): number {
  const letters = (text: string): string => [...text].sort().join('');
  const edits = distance(wanted, name);
  return edits > 1 && letters(wanted) === letters(name) ? edits - 1 : edits;
}

function unknownType(text: string, types: readonly NamedType[]): KubeblameError {
  const [name = '', ...group] = text.split('.');
  const byName = new Map<string, string>();
  for (const type of types) for (const each of namesOf(type)) if (!byName.has(each)) byName.set(each, type.resource);
  const similar =
    group.length === 0
      ? nearest(name, [...byName.keys()]).map((each) => byName.get(each) ?? each)
      : nearest(text, types.map(qualifiedName));
  const names = [...new Set(similar)];
  return new KubeblameError(
    'type-unknown',
    `no resource type is called ${JSON.stringify(text)}`,
    names.length > 0
      ? `did you mean ${names.join(' or ')}?`
      : 'TYPE is a kind, plural or short name of Kubernetes, or of a custom resource in the record; without TYPE, everything is meant',
  );
}
