import { itemPath, memberPath } from './delta.ts';
import { canonicalJson, isObject } from './json.ts';
import { identifyAll } from './merge-key.ts';
import { holdsRedacted, redactedAt } from './redacted.ts';
import type { Json, JsonObject } from './types.ts';

/** A value, or nothing: undefined is a field that does not exist. */
export type Maybe = Json | undefined;

/** A field that could not be taken back, with what it would have become and what it is. */
export interface Obstacle {
  path: string;
  /** `changed`: somebody else has set it since. `unrecorded`: its value was redacted, so that nobody knows it. */
  kind: 'changed' | 'unrecorded';
  wanted: Maybe;
  present: Maybe;
}

export interface RevertOptions {
  /** Fields that stay as they are, by their path: the API server sets them. */
  keeps: (path: string) => boolean;
  /** Takes back also what somebody else has changed since. */
  force: boolean;
}

/**
 * Takes a change (`before` to `after`) back on the object as it is now: what the change set becomes what it was, what
 * others set stays. List items are followed by their merge key, as deltas are. What others have set since is an
 * obstacle, and stays too, unless `force`.
 *
 * Where `present` equals `after`, the result equals `before`, but for what `keeps` and what was never recorded.
 * No argument is changed; the result shares their parts.
 */
export function revert(
  before: JsonObject,
  after: JsonObject,
  present: JsonObject,
  options: RevertOptions,
): { body: JsonObject; obstacles: Obstacle[] } {
  const reverter = new Reverter(options);
  return { body: reverter.object('', before, after, present), obstacles: reverter.obstacles };
}

class Reverter {
  readonly obstacles: Obstacle[] = [];

  constructor(private readonly options: RevertOptions) {}

  object(path: string, before: JsonObject, after: JsonObject, present: JsonObject): JsonObject {
    const result = { ...present };
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const inside = memberPath(path, key);
      if (this.options.keeps(inside)) continue;
      const value = this.value(inside, key, own(before, key), own(after, key), own(present, key));
      if (value === undefined) delete result[key];
      else result[key] = value;
    }
    return result;
  }

  private value(path: string, field: string, before: Maybe, after: Maybe, present: Maybe): Maybe {
    if (same(before, after) || same(present, before)) return present;
    const versions = [before, after, present];
    // A map or list that came or went with the change may hold what others have put into it since.
    if (present !== undefined && versions.every((value) => value === undefined || isObject(value))) {
      const [b = {}, a = {}, p = {}] = versions;
      const result = this.object(path, b, a, p);
      return before === undefined && Object.keys(result).length === 0 ? undefined : result;
    }
    const untouched = same(present, after);
    const lists = present !== undefined && versions.every((value) => value === undefined || Array.isArray(value));
    // A list with what was redacted is taken back item by item: as a whole it would lose these.
    if (untouched && !(lists && before !== undefined && holdsRedacted(before)))
      return this.known(path, before, present);
    if (lists) {
      const [b = [], a = [], p = []] = versions;
      const result = this.list(path, field, b, a, p);
      if (result !== null) return before === undefined && result.length === 0 ? undefined : result;
    }
    if (untouched || this.options.force) return this.known(path, before, present);
    this.obstacles.push({ path, kind: 'changed', wanted: before, present });
    return present;
  }

  /** The items by key, those that come back behind the ones they followed; null where no key tells them apart. */
  private list(path: string, field: string, before: Json[], after: Json[], present: Json[]): Json[] | null {
    const [b, a, p] = identifyAll(field, [before, after, present]) ?? [];
    if (b === undefined || a === undefined || p === undefined) return null;
    const items = new Map(p);
    for (const key of new Set([...b.keys(), ...a.keys()])) {
      const value = this.value(itemPath(path, key), '', b.get(key), a.get(key), p.get(key));
      const isPart = !p.has(key) && hasRedactedMember(b.get(key) ?? null);
      if (value === undefined || isPart) items.delete(key);
      else items.set(key, value);
    }
    return ordered([...items.keys()], [...b.keys()], [...a.keys()], [...p.keys()]).map((key) => items.get(key) ?? null);
  }

  /** What was redacted cannot come back: such a value stays as it is now, and is left out of one that comes back. */
  private known(path: string, before: Maybe, present: Maybe): Maybe {
    if (before === undefined) return undefined;
    const { value, lost } = withoutRedacted(before, path);
    for (const each of lost) this.obstacles.push({ path: each, kind: 'unrecorded', wanted: undefined, present });
    return lost.length > 0 && (value === undefined || Array.isArray(present)) ? present : value;
  }
}

/** Order of the items: as before the change, as far as nobody has reordered them since; others stay where they are. */
function ordered(keys: string[], before: string[], after: string[], present: string[]): string[] {
  const shared = (order: string[], other: string[]): string => order.filter((key) => other.includes(key)).join('\0');
  const untouched = shared(present, after) === shared(after, present);
  const order = untouched ? before.filter((key) => keys.includes(key)) : [];
  const result = untouched ? [...order] : keys.filter((key) => present.includes(key));
  const source = untouched ? present : before;
  for (const key of source.filter((each) => keys.includes(each) && !result.includes(each))) {
    const previous = source.slice(0, source.indexOf(key)).findLast((each) => result.includes(each));
    result.splice(previous === undefined ? 0 : result.indexOf(previous) + 1, 0, key);
  }
  return result;
}

/**
 * A value without its redacted parts, and the paths of these; undefined where nothing is left. Of a list of texts (a command) all is
 * left out, and of a list of objects (variables) the item: what is left would mean something else.
 */
export function withoutRedacted(value: Json, path: string): { value: Maybe; lost: string[] } {
  const lost: string[] = [];
  const clean = (inner: Json, at: string): Maybe => {
    if (typeof inner === 'string') {
      const redacted = redactedAt(at, inner);
      // kubectl's annotation only repeats the object.
      if (redacted === 'value') lost.push(at);
      return redacted === null ? inner : undefined;
    }
    if (Array.isArray(inner)) {
      if (inner.some((item) => typeof item === 'string' && holdsRedacted(item))) {
        lost.push(at);
        return undefined;
      }
      const items = inner.map((item, index) => {
        const place = isObject(item) && typeof item.name === 'string' ? itemPath(at, item.name) : `${at}[${index}]`;
        const left = clean(item, place);
        return hasRedactedMember(item) ? undefined : left;
      });
      return items.filter((item) => item !== undefined);
    }
    if (!isObject(inner)) return inner;
    const members = Object.entries(inner).map(([key, member]) => [key, clean(member, memberPath(at, key))] as const);
    return Object.fromEntries(members.filter((member): member is readonly [string, Json] => member[1] !== undefined));
  };
  return { value: clean(value, path), lost };
}

/** True of an item, such as a variable, that means something else without what was redacted. */
function hasRedactedMember(item: Json): boolean {
  return isObject(item) && Object.values(item).some((member) => typeof member === 'string' && holdsRedacted(member));
}

function own(object: JsonObject, key: string): Maybe {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function same(first: Maybe, second: Maybe): boolean {
  if (first === second) return true;
  return first !== undefined && second !== undefined && canonicalJson(first) === canonicalJson(second);
}
