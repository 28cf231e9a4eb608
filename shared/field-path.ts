import { align } from './align.ts';
import { deltas, itemPath, memberPath } from './delta.ts';
import { KubeblameError } from './errors.ts';
import { canonicalJson, escapeKey, exactNumber, isObject, unescapeText } from './json.ts';
import { identify } from './merge-key.ts';
import type { Delta, Json, JsonObject } from './types.ts';

/** Every item of a list: `[*]`. */
export const ANY_ITEM = Symbol('any item');
/** One step of a field path: the key of a member or of a list item, the index of an item, or every item. */
export type FieldStep = string | number | typeof ANY_ITEM;

const SEGMENT = /^(?:\.?((?:[^.[\]\\]|\\.)+)|\[("(?:[^"\\]|\\.)*")\]|\['([^']*)'\]|\[([^\]"']*)\])/su;

/**
 * The steps of a field path, in the forms that tables print and people write: `spec.template`, `.spec.replicas`,
 * `spec.containers[nginx].image`, `metadata.labels["app.kubernetes.io/name"]`, also
 * `metadata.labels.app\.kubernetes\.io/name`, and a JSON pointer: `/spec/replicas`. A number in brackets is an index
 * (`spec.containers[0]`), in quotes a key (`spec.ports["80"]`); `[*]` is every item. Throws field-invalid.
 */
export function parseField(text: string): FieldStep[] {
  const path = /^\{(.*)\}$/su.exec(text)?.[1] ?? text;
  if (path.startsWith('/')) return parsePointer(path);
  return fieldParts(text).map(({ name, form }) => (form === 'brackets' ? bracketStep(name) : name));
}

/** The syntax of one step: `.name`, `["name"]` or `['name']`, `[name]`. */
type FieldForm = 'name' | 'quoted' | 'brackets';

/** The steps of a field as written, before they are looked up in a document. Throws field-invalid. */
export function fieldParts(text: string): { name: string; form: FieldForm }[] {
  const path = /^\{(.*)\}$/su.exec(text)?.[1] ?? text;
  const parts: { name: string; form: FieldForm }[] = [];
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
    if (plain !== undefined) parts.push({ name: plain.replace(/\\(.)/gsu, '$1'), form: 'name' });
    else if (item !== undefined) parts.push({ name: item, form: 'brackets' });
    else parts.push({ name: quoted === undefined ? (single ?? '') : unquote(quoted), form: 'quoted' });
    rest = rest.slice(whole.length);
  }
  if (parts.length === 0)
    throw new KubeblameError('field-invalid', 'the field is empty', 'a field is like spec.replicas');
  return parts;
}

function bracketStep(text: string): FieldStep {
  if (text === '*') return ANY_ITEM;
  return /^\d{1,9}$/.test(text) ? Number(text) : text;
}

/** A JSON pointer (RFC 6901). Whether a step is an index or a key depends on the document. */
function parsePointer(text: string): string[] {
  return text
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/** The keys and indexes (as in memory) of a field in a value; null if it has no such field; the first one if it has several. */
export function findField(value: Json, steps: readonly FieldStep[]): string[] | null {
  return findFields(value, steps)[0] ?? null;
}

/** The same for all fields that match: `[*]` can match many. */
export function findFields(value: Json, steps: readonly FieldStep[]): string[][] {
  return [...locate({ ...ROOT, value }, steps)].map(({ at }) => at);
}

/** The path of a field in a value, in the form that people read; null if it has no such field. */
export function fieldText(value: Json, steps: readonly FieldStep[]): string | null {
  const [found] = locate({ ...ROOT, value }, steps);
  return found?.path ?? null;
}

/** A value that matches the field, and the way to it. */
interface Found {
  at: string[];
  /** For people: list items by their key, if they have one. */
  path: string;
  /** The same, but with indexes where the field has indexes. */
  spot: string;
  /** The name of the member; '' for a list item. */
  field: string;
  /** True if each list item on the way is identified by a key, or by an index in the field. */
  known: boolean;
  value: Json;
}

const ROOT: Omit<Found, 'value'> = { at: [], path: '', spot: '', field: '', known: true };

function* locate(from: Found, steps: readonly FieldStep[]): Generator<Found> {
  const [step, ...rest] = steps;
  const { at, path, spot, field, known, value } = from;
  if (step === undefined) {
    yield from;
  } else if (Array.isArray(value)) {
    const keys = keysOf(value, field);
    for (const place of placesOf(value, step, keys)) {
      const key = keys[place];
      const byPlace = `[${place}]`;
      const item = {
        at: [...at, String(place)],
        path: key === undefined ? path + byPlace : itemPath(path, key),
        spot: key === undefined || typeof step === 'number' ? spot + byPlace : itemPath(spot, key),
        field: '',
        known: known && (key !== undefined || typeof step === 'number'),
        value: value[place] ?? null,
      };
      yield* locate(item, rest);
    }
  } else if (isObject(value)) {
    for (const { key, left } of membersFor(value, steps)) {
      const [inside, outside] = [memberPath(path, key), memberPath(spot, key)];
      const member = { at: [...at, key], path: inside, spot: outside, field: key, known, value: value[key] ?? null };
      const found = [...locate(member, left)];
      yield* found;
      if (found.length > 0) return;
    }
  }
}

/** The members that the next steps can mean, shortest name first: a key with dots may be written without quotes. */
function membersFor(value: JsonObject, steps: readonly FieldStep[]): { key: string; left: FieldStep[] }[] {
  const end = steps.findIndex((step) => typeof step !== 'string');
  const names = end < 0 ? steps : steps.slice(0, end);
  return names
    .map((_, index) => ({ key: escapeKey(names.slice(0, index + 1).join('.')), left: steps.slice(index + 1) }))
    .filter(({ key }) => Object.hasOwn(value, key));
}

/** The indexes in a list that a step means. A name that is not the key of any item can be an index: `/spec/containers/0`. */
function placesOf(list: readonly Json[], step: FieldStep, keys: readonly string[]): number[] {
  if (step === ANY_ITEM) return [...list.keys()];
  if (typeof step === 'number') return step < list.length ? [step] : [];
  const place = keys.findIndex((key) => (exactNumber(key) ?? unescapeText(key)) === step);
  if (place >= 0) return [place];
  return /^\d{1,9}$/.test(step) && Number(step) < list.length ? [Number(step)] : [];
}

/** The index of the list item that a name means: by its merge key, or else as a number. null if there is none. */
export function placeOf(list: readonly Json[], name: string, field: string): number | null {
  return placesOf(list, name, keysOf(list, field))[0] ?? null;
}

/** The merge keys of the items of a list, in its order; empty if no key distinguishes them. */
function keysOf(list: readonly Json[], field: string): string[] {
  return [...(identify(field, list, list)?.before.keys() ?? [])];
}

/**
 * What a change did to a field: the deltas between its value before and after. An index is looked up in each of the two
 * bodies, so `containers[0]` changes whenever another value is at that index. For `[*]`, items with a key are compared with
 * the item of the same key; of items without a key, equal ones are left out.
 */
export function deltasOfField(
  before: JsonObject | null,
  after: JsonObject | null,
  steps: readonly FieldStep[],
): Delta[] {
  const [old, now] = [before, after].map((body) => (body === null ? [] : [...locate({ ...ROOT, value: body }, steps)]));
  return pairs(old ?? [], now ?? [], steps.includes(ANY_ITEM)).flatMap(([from, to]): Delta[] => {
    if (from === undefined) return to === undefined ? [] : [{ path: to.path, kind: 'added', after: to.value }];
    if (to === undefined) return [{ path: from.path, kind: 'removed', before: from.value }];
    // If another item is at this index now, its key would be wrong for one of the two.
    return deltasBetween(from.path === to.path ? to.path : to.spot, to.field, from.value, to.value);
  });
}

function pairs(old: readonly Found[], now: readonly Found[], many: boolean): [from?: Found, to?: Found][] {
  if (!many) return old.length + now.length === 0 ? [] : [pair(old[0], now[0])];
  const found: [from?: Found, to?: Found][] = [];
  const keyed = ({ known }: Found): boolean => known;
  const wanted = new Map(now.filter(keyed).map((to) => [to.path, to]));
  for (const from of old.filter(keyed)) {
    found.push(pair(from, wanted.get(from.path)));
    wanted.delete(from.path);
  }
  for (const to of wanted.values()) found.push(pair(undefined, to));
  const [others, newOthers] = [old, now].map((list) => list.filter((each) => !keyed(each)));
  const texts = (list: readonly Found[] = []): string[] => list.map(({ value }) => canonicalJson(value));
  const { removed, added } = align(texts(others), texts(newOthers));
  const [gone, come] = [[...removed].sort(byNumber), [...added].sort(byNumber)];
  for (let index = 0; index < Math.max(gone.length, come.length); index++) {
    found.push(pair(others?.[gone[index] ?? -1], newOthers?.[come[index] ?? -1]));
  }
  return found;
}

function byNumber(a: number, b: number): number {
  return a - b;
}

function pair(from: Found | undefined, to: Found | undefined): [from?: Found, to?: Found] {
  return [from, to] as [Found, Found];
}

/** The deltas between two values of one field, with paths from the root of the body. */
function deltasBetween(path: string, field: string, before: Json, after: Json): Delta[] {
  const start = memberPath('', field).length;
  return deltas({ [field]: before }, { [field]: after }).map((delta) => ({
    ...delta,
    path: path + delta.path.slice(start),
  }));
}

/**
 * False if a patch's path certainly does not touch a field: `/spec/replicas` and `spec.template`. Indexes of list items say
 * nothing: any path below a list may touch the field.
 */
export function mayTouch(pointer: string, steps: readonly FieldStep[]): boolean {
  const end = steps.findIndex((step) => typeof step !== 'string');
  const wanted = (end < 0 ? steps : steps.slice(0, end)).join('.');
  let reached = '';
  for (const name of parsePointer(pointer)) {
    const key = unescapeText(name);
    if (/^(?:\d+|-)$/.test(key)) return true;
    reached = reached === '' ? key : `${reached}.${key}`;
    if (wanted === reached) return true;
    if (!wanted.startsWith(`${reached}.`)) return false;
  }
  return true;
}
