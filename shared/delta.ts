import { exactNumber, isObject, unescapeText } from './json.ts';
import { matchItems } from './pairing.ts';
import type { Delta, Json, JsonObject } from './types.ts';

/**
 * The differences between `before` and `after`, for people: list items are matched by pairItems(), not by index. An object
 * that appears or ends is a single delta with the path ''. The result is empty exactly if the two are equal.
 *
 * A path that ends in `[]` is the order of a list: `before` and `after` name its items in order, by their merge key. Without
 * a merge key, texts and numbers stand for themselves, and objects are named by their former index. Changes inside of items
 * are deltas of their own. Without a merge key, `[3]` is the index after the change, or before it if the item was removed.
 */
export function deltas(before: JsonObject | null, after: JsonObject | null): Delta[] {
  if (before === null) return after === null ? [] : [{ path: '', kind: 'added', after }];
  if (after === null) return [{ path: '', kind: 'removed', before }];
  const found: Delta[] = [];
  compareObjects('', before, after, found);
  return found;
}

function compareValues(path: string, field: string, before: Json, after: Json, found: Delta[]): void {
  if (before === after) return;
  if (isObject(before) && isObject(after)) compareObjects(path, before, after, found);
  else if (Array.isArray(before) && Array.isArray(after)) compareLists(path, field, before, after, found);
  else found.push({ path, kind: 'changed', before, after });
}

function compareObjects(path: string, before: JsonObject, after: JsonObject, found: Delta[]): void {
  for (const [key, value] of Object.entries(before)) {
    const inside = memberPath(path, key);
    const now = Object.hasOwn(after, key) ? after[key] : undefined;
    if (now === undefined) found.push({ path: inside, kind: 'removed', before: value });
    else compareValues(inside, key, value, now, found);
  }
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) found.push({ path: memberPath(path, key), kind: 'added', after: value });
  }
}

function compareLists(path: string, field: string, before: Json[], after: Json[], found: Delta[]): void {
  const { pairs, keys } = matchItems(field, before, after);
  const newPlaces = new Map(pairs.map((place, newPlace) => [place, newPlace]));
  const inside = (key: string | undefined, place: number): string =>
    key === undefined ? `${path}[${place}]` : itemPath(path, key);
  for (const [place, value] of before.entries()) {
    const newPlace = newPlaces.get(place);
    if (newPlace === undefined)
      found.push({ path: inside(keys?.before[place], place), kind: 'removed', before: value });
    else compareValues(inside(keys?.before[place], newPlace), '', value, after[newPlace] ?? null, found);
  }
  for (const [newPlace, value] of after.entries()) {
    if (pairs[newPlace] === null)
      found.push({ path: inside(keys?.after[newPlace], newPlace), kind: 'added', after: value });
  }
  const kept = pairs.filter((place) => place !== null);
  if (kept.every((place, index) => index === 0 || place > (kept[index - 1] ?? 0))) return;
  const sorted = [...kept].sort((a, b) => a - b);
  const areTold = sorted.every((place) => !isStructure(before[place]));
  const [order, newOrder] = areTold ? [before, after] : [sorted, kept];
  found.push({
    path: `${path}[]`,
    kind: 'changed',
    before: keys?.before ?? [...order],
    after: keys?.after ?? [...newOrder],
  });
}

function isStructure(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;
/** V8 needs some ms to compile the second expression, and hardly any name needs it. */
function isPlainItem(name: string): boolean {
  return /^[\w./:@-]+$/.test(name) || /^[^\s"[\]\\\p{C}]+$/u.test(name);
}

/** `spec.replicas`, `metadata.labels["app.kubernetes.io/version"]`. `key` is escaped as in json.ts. */
export function memberPath(path: string, key: string): string {
  const name = unescapeText(key);
  if (!PLAIN_KEY.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/**
 * `containers[nginx]`. `key` is escaped as in json.ts. In brackets a bare integer is an index and a star means all items, so
 * a key that looks like one of these is quoted: `backendRefs["80"]`.
 */
export function itemPath(path: string, key: string): string {
  const name = exactNumber(key) ?? unescapeText(key);
  return `${path}[${isPlainItem(name) && !LOOKS_LIKE_PLACE.test(name) ? name : JSON.stringify(name)}]`;
}

const LOOKS_LIKE_PLACE = /^(?:-?\d+|\*)$/;
