import { itemPath, memberPath } from './delta.ts';
import { canonicalJson, isObject } from './json.ts';
import { identifyAll } from './merge-key.ts';
import { pairItems } from './pairing.ts';
import { holdsRedacted, redactedAt } from './redacted.ts';
import type { Json, JsonObject } from './types.ts';

/** A value, or undefined for a field that does not exist. */
export type Maybe = Json | undefined;

/** A field that could not be undone, with the value that it would have got and the one that it has. */
export interface Obstacle {
  path: string;
  /** `changed`: somebody has set it since. `unrecorded`: its value was redacted, so it is not known. */
  kind: 'changed' | 'unrecorded';
  wanted: Maybe;
  present: Maybe;
}

export interface RevertOptions {
  /** Fields that are left alone, by path: the API server sets them. */
  keeps: (path: string) => boolean;
  /** Also undo fields that somebody else has changed since. */
  force: boolean;
}

/**
 * Undoes a change (`before` to `after`) on the object as it is now: what the change set is set back, what others set stays. List
 * items are matched by pairItems(), as in deltas. A field that others have set since is a conflict, and stays too, unless
 * `force`.
 *
 * If `present` equals `after`, the result equals `before`, except for what `keeps` names and what was never recorded.
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
    // A map or list that the change added or removed may contain what others have put into it since.
    if (present !== undefined && versions.every((value) => value === undefined || isObject(value))) {
      const [b = {}, a = {}, p = {}] = versions;
      const result = this.object(path, b, a, p);
      return before === undefined && Object.keys(result).length === 0 ? undefined : result;
    }
    const untouched = same(present, after);
    const lists = present !== undefined && versions.every((value) => value === undefined || Array.isArray(value));
    // A list with redacted items is undone item by item, or these would be lost. But a command is a unit.
    const isCommand = versions.some(isRedactedCommand);
    const byItem = lists && !isCommand;
    if (untouched && !(byItem && before !== undefined && holdsRedacted(before)))
      return this.known(path, before, present);
    if (byItem) {
      const [b = [], a = [], p = []] = versions;
      const result = this.list(path, { before: b, after: a, present: p }, namesOf(field, b, a, p));
      return before === undefined && result.length === 0 ? undefined : result;
    }
    if (untouched || this.options.force) return this.known(path, before, present);
    this.obstacles.push({ path, kind: 'changed', wanted: before, present });
    return present;
  }

  /** The items by name; restored items are put after the ones that they followed. */
  private list(path: string, lists: Versions<Json[]>, names: Names): Json[] {
    const byName = (version: keyof Versions<unknown>): Map<string, Json> =>
      new Map(names[version].map((name, place) => [name, lists[version][place] ?? null]));
    const [b, a, items] = [byName('before'), byName('after'), byName('present')];
    for (const name of new Set([...b.keys(), ...a.keys()])) {
      const inside = names.isKey ? itemPath(path, name) : `${path}[${placeOf(name, names)}]`;
      const value = this.value(inside, '', b.get(name), a.get(name), items.get(name));
      const isPart = !items.has(name) && hasRedactedMember(b.get(name) ?? null);
      if (value === undefined || isPart) items.delete(name);
      else items.set(name, value);
    }
    const order = ordered([...items.keys()], names.before, names.after, names.present);
    return order.map((name) => items.get(name) ?? null);
  }

  /** Redacted values cannot be restored: such a value stays as it is now, and is left out of a parent that is restored. */
  private known(path: string, before: Maybe, present: Maybe): Maybe {
    if (before === undefined) return undefined;
    const { value, lost } = withoutRedacted(before, path);
    for (const each of lost) this.obstacles.push({ path: each, kind: 'unrecorded', wanted: undefined, present });
    return lost.length > 0 && (value === undefined || Array.isArray(present)) ? present : value;
  }
}

/** A value for each of the three versions. */
interface Versions<T> {
  before: T;
  after: T;
  present: T;
}

/** The names of the items in each version: the same name means the same item. */
interface Names extends Versions<string[]> {
  /** True if a name is the item's merge key. */
  isKey: boolean;
}

/** Names items by merge key; if none distinguishes them in all versions, by the matches of pairItems(). */
function namesOf(field: string, before: Json[], after: Json[], present: Json[]): Names {
  const [b, a, p] = identifyAll(field, [before, after, present]) ?? [];
  if (b !== undefined && a !== undefined && p !== undefined) {
    return { before: [...b.keys()], after: [...a.keys()], present: [...p.keys()], isKey: true };
  }
  const names = before.map((_, place) => `before ${place}`);
  const newNames = pairItems(field, before, after).map((place, to) => names[place ?? -1] ?? `after ${to}`);
  const presentNames = pairItems(field, after, present).map((place, to) => newNames[place ?? -1] ?? `present ${to}`);
  // Removed by the change, and added again by somebody.
  for (const [place, item] of before.entries()) {
    const name = names[place] ?? '';
    if (newNames.includes(name)) continue;
    const back = present.findIndex((other, to) => presentNames[to] === `present ${to}` && same(other, item));
    if (back >= 0) presentNames[back] = name;
  }
  return { before: names, after: newNames, present: presentNames, isKey: false };
}

/** The index of an item now; if it no longer exists, its former index. */
function placeOf(name: string, { present, before, after }: Names): number {
  return [present, before, after].map((names) => names.indexOf(name)).find((place) => place >= 0) ?? 0;
}

/** The order of the items: as before the change, unless somebody has reordered them since; other items stay where they are. */
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
 * A value without its redacted parts, and their paths; undefined if nothing is left. A list of texts (a command) is left out as a
 * whole, and so is an item of a list of objects (a variable): the rest would mean something else.
 */
export function withoutRedacted(value: Json, path: string): { value: Maybe; lost: string[] } {
  const lost: string[] = [];
  const clean = (inner: Json, at: string): Maybe => {
    if (typeof inner === 'string') {
      if (redactedAt(at, inner) === null) return inner;
      lost.push(at);
      return undefined;
    }
    if (Array.isArray(inner)) {
      if (isRedactedCommand(inner)) {
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

/** True for a list of texts, such as a command, with a redacted one. */
function isRedactedCommand(value: Maybe): boolean {
  return Array.isArray(value) && value.some((item) => typeof item === 'string' && holdsRedacted(item));
}

/** True for an item, such as a variable, that would mean something else without its redacted part. */
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
