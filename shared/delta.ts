import { align } from './align.ts';
import { canonicalJson, exactNumber, isObject, unescapeText } from './json.ts';
import { identify } from './merge-key.ts';
import type { Delta, Json, JsonObject } from './types.ts';

/**
 * What turned `before` into `after`, for people: list items are followed by their merge key, not their place. A whole
 * object that appears or ends is one delta with the path ''. Empty exactly where the two are equal.
 *
 * A path that ends in `[]` is the order of a list: `before` and `after` name its items in order (by key, where they
 * have one); what changed inside them is told by other deltas. Without a merge key, `[3]` is the place after the
 * change, or before it where the item was removed.
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
  const identified = identify(field, before, after);
  if (identified === null) compareByContent(path, before, after, found);
  else compareByKey(path, identified.before, identified.after, found);
}

function compareByKey(path: string, before: Map<string, Json>, after: Map<string, Json>, found: Delta[]): void {
  for (const [key, value] of before) {
    const inside = itemPath(path, key);
    const now = after.get(key);
    if (now === undefined) found.push({ path: inside, kind: 'removed', before: value });
    else compareValues(inside, '', value, now, found);
  }
  for (const [key, value] of after) {
    if (!before.has(key)) found.push({ path: itemPath(path, key), kind: 'added', after: value });
  }
  const [order, newOrder] = [[...before.keys()], [...after.keys()]];
  const kept = newOrder.filter((key) => before.has(key));
  const moved = order.filter((key) => after.has(key)).some((key, index) => key !== kept[index]);
  if (moved) found.push({ path: `${path}[]`, kind: 'changed', before: order, after: newOrder });
}

/** Lists without a merge key, such as arguments or rules: equal items stay, the others are told by their place. */
function compareByContent(path: string, before: Json[], after: Json[], found: Delta[]): void {
  const contents = before.map((item) => canonicalJson(item));
  const newContents = after.map((item) => canonicalJson(item));
  const { removed, added } = align(contents, newContents);
  if (removed.size === 0 && added.size === 0) return;
  if ([...contents].sort().join() === [...newContents].sort().join()) {
    found.push({ path: `${path}[]`, kind: 'changed', before, after });
    return;
  }
  let [place, newPlace] = [0, 0];
  while (place < before.length || newPlace < after.length) {
    const [value, now] = [before[place], after[newPlace]];
    const inside = `${path}[${added.has(newPlace) ? newPlace : place}]`;
    const [gone, come] = [removed.has(place), added.has(newPlace)];
    if (gone && come && value !== undefined && now !== undefined) compareValues(inside, '', value, now, found);
    else if (gone && value !== undefined) found.push({ path: inside, kind: 'removed', before: value });
    else if (come && now !== undefined) found.push({ path: inside, kind: 'added', after: now });
    if (gone || !come) place++;
    if (come || !gone) newPlace++;
  }
}

const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/;
/** The second expression takes V8 some ms to make, and hardly any name needs it. */
function isPlainItem(name: string): boolean {
  return /^[\w./:@-]+$/.test(name) || /^[^\s"[\]\\\p{C}]+$/u.test(name);
}

/** `spec.replicas`, `metadata.labels["app.kubernetes.io/version"]`. `key` is escaped as json.ts has it. */
export function memberPath(path: string, key: string): string {
  const name = unescapeText(key);
  if (!PLAIN_KEY.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

/** `containers[nginx]`. `key` is escaped as json.ts has it. */
export function itemPath(path: string, key: string): string {
  const name = exactNumber(key) ?? unescapeText(key);
  return `${path}[${isPlainItem(name) ? name : JSON.stringify(name)}]`;
}
