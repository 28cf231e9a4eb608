import { itemPath, memberPath } from './delta.ts';
import { KubeblameError } from './errors.ts';
import { canonicalJson, escapeKey, exactNumber, isObject, unescapeText } from './json.ts';
import { identify } from './merge-key.ts';
import type { Delta, Json } from './types.ts';

const SEGMENT = /^(?:\.?((?:[^.[\]\\]|\\.)+)|\[("(?:[^"\\]|\\.)*")\]|\['([^']*)'\]|\[([^\]"']*)\])/su;

/**
 * The names in the path of a field, as tables print it and people write it: `spec.template`, `.spec.replicas`,
 * `spec.containers[nginx].image`, `spec.containers[0]`, `metadata.labels["app.kubernetes.io/name"]`, also
 * `metadata.labels.app\.kubernetes\.io/name`. Throws field-invalid.
 */
export function parseField(text: string): string[] {
  const path = /^\{(.*)\}$/su.exec(text)?.[1] ?? text;
  const names: string[] = [];
  for (let rest = path; rest !== '';) {
    const match = SEGMENT.exec(rest);
    if (match === null) {
      throw new KubeblameError(
        'field-invalid',
        `the field ${JSON.stringify(text)} cannot be read from ${JSON.stringify(rest)} on`,
        'a field is like spec.replicas, spec.template.spec.containers[nginx].image or metadata.labels["a.b/c"]',
      );
    }
    const [whole, plain, quoted, single, item] = match;
    names.push(
      plain?.replace(/\\(.)/gsu, '$1') ?? (quoted === undefined ? undefined : unquote(quoted)) ?? single ?? item ?? '',
    );
    rest = rest.slice(whole.length);
  }
  if (names.length === 0)
    throw new KubeblameError('field-invalid', 'the field is empty', 'a field is like spec.replicas');
  return names;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/** The keys and places (as in memory) of a field in a value; null where it has none. Items by their key, or place. */
export function findField(value: Json, names: readonly string[], field = ''): string[] | null {
  if (names.length === 0) return [];
  if (Array.isArray(value)) {
    const [name = '', ...rest] = names;
    const place = placeOf(value, name, field);
    const item = place === null ? undefined : value[place];
    const inside = item === undefined ? null : findField(item, rest);
    return inside === null ? null : [String(place), ...inside];
  }
  if (!isObject(value)) return null;
  // A key with dots may be written without quotes.
  for (let count = 1; count <= names.length; count++) {
    const key = escapeKey(names.slice(0, count).join('.'));
    const member = Object.hasOwn(value, key) ? value[key] : undefined;
    const inside = member === undefined ? null : findField(member, names.slice(count), key);
    if (inside !== null) return [key, ...inside];
  }
  return null;
}

function placeOf(list: readonly Json[], name: string, field: string): number | null {
  const keys = [...(identify(field, list, list)?.before.keys() ?? [])];
  const place = keys.findIndex((key) => (exactNumber(key) ?? unescapeText(key)) === name);
  if (place >= 0) return place;
  return /^\d+$/.test(name) && Number(name) < list.length ? Number(name) : null;
}

/** What a change did to a field: its deltas at or below the field, and the field's part of those above it. */
export function deltasOfField(deltas: readonly Delta[], names: readonly string[]): Delta[] {
  const wanted = names.join('.');
  return deltas.flatMap((delta) => {
    const isOrder = delta.path.endsWith('[]');
    const path = delta.path === '' ? [] : parseField(isOrder ? delta.path.slice(0, -2) : delta.path);
    const joined = path.join('.');
    if (joined === wanted || joined.startsWith(`${wanted}.`)) return [delta];
    if (isOrder) return [];
    const depth = names.findIndex((_, count) => names.slice(0, count).join('.') === joined);
    return depth < 0 ? [] : partOfDelta(delta, names.slice(depth), path.at(-1) ?? '');
  });
}

function partOfDelta(delta: Delta, names: readonly string[], field: string): Delta[] {
  const [before, after] = [delta.before, delta.after].map((value) => {
    const at = value === undefined ? null : findField(value, names, field);
    return value === undefined || at === null ? null : reach(value, at, delta.path, field);
  });
  const path = (after ?? before)?.path ?? '';
  if (before == null) return after == null ? [] : [{ path, kind: 'added', after: after.value }];
  if (after == null) return [{ path, kind: 'removed', before: before.value }];
  if (canonicalJson(before.value) === canonicalJson(after.value)) return [];
  return [{ path, kind: 'changed', before: before.value, after: after.value }];
}

/** The value at some keys and places, and the path to it as people read it, from the path of what it is in. */
function reach(value: Json, at: readonly string[], path: string, field: string): { path: string; value: Json } {
  let [reached, name, text] = [value, field, path];
  for (const key of at) {
    if (Array.isArray(reached)) {
      const label = [...(identify(name, reached, reached)?.before.keys() ?? [])][Number(key)];
      text = itemPath(text, label ?? key);
      reached = reached[Number(key)] ?? null;
    } else {
      text = memberPath(text, key);
      reached = isObject(reached) ? (reached[key] ?? null) : null;
    }
    name = key;
  }
  return { path: text, value: reached };
}

/**
 * False where a patch's path surely lies beside a field: `/spec/replicas` and `spec.template`. The places of list items
 * tell nothing: beyond them everything is possible.
 */
export function mayTouch(pointer: string, names: readonly string[]): boolean {
  const keys = pointer
    .split('/')
    .slice(1)
    .map((key) => unescapeText(key.replaceAll('~1', '/').replaceAll('~0', '~')));
  let reached = '';
  const wanted = names.join('.');
  for (const key of keys) {
    if (/^(?:\d+|-)$/.test(key)) return true;
    reached = reached === '' ? key : `${reached}.${key}`;
    if (wanted === reached) return true;
    if (!wanted.startsWith(`${reached}.`)) return false;
  }
  return true;
}
