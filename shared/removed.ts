import { escapeKey, isObject } from './json.ts';
import type { Json, JsonObject, RemovedPart } from './types.ts';

/** A body merged with what was removed from it, and the origin of each part. */
export interface MergedBody {
  body: JsonObject;
  /**
   * The position of a part of the merged body in the body itself; `removed` is the change that removed it, or null if it still
   * exists.
   */
  places: (at: readonly string[]) => { at: readonly string[]; removed: number | null };
}

interface Slot {
  /** The key or index in the body; null if the part no longer exists. */
  from: string | null;
  removed: number | null;
  /** For an object or list that still exists. */
  inside: Map<string, Slot>;
}

/** Puts removed parts back: members under their key, list items at their former position. */
export function mergeRemoved(body: JsonObject, removed: readonly RemovedPart[]): MergedBody {
  const slots: Slot = { from: null, removed: null, inside: new Map() };
  const merged = merge(body, [], removed, slots);
  const places = (at: readonly string[]): { at: readonly string[]; removed: number | null } => {
    const own: string[] = [];
    let slot: Slot | undefined = slots;
    for (const [index, key] of at.entries()) {
      slot = slot.inside.get(key);
      if (slot === undefined) return { at: [...own, ...at.slice(index)], removed: null };
      if (slot.removed !== null) return { at: [...own, ...at.slice(index)], removed: slot.removed };
      own.push(slot.from ?? key);
    }
    return { at: own, removed: null };
  };
  return { body: isObject(merged) ? merged : body, places };
}

function merge(value: Json, path: readonly string[], removed: readonly RemovedPart[], slot: Slot): Json {
  const below = removed.filter(({ at }) => path.every((key, index) => key === escapeKey(at[index] ?? '')));
  if (below.length === 0) return value;
  const here = below.filter(({ at }) => at.length === path.length);
  if (Array.isArray(value)) return mergeItems(value, path, below, here, slot);
  if (!isObject(value)) return value;
  const merged: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const inner = { from: key, removed: null, inside: new Map<string, Slot>() };
    slot.inside.set(key, inner);
    merged[key] = merge(member, [...path, key], below, inner);
  }
  for (const { key, value: gone, seq } of here) {
    merged[escapeKey(key)] = gone;
    slot.inside.set(escapeKey(key), { from: null, removed: seq, inside: new Map() });
  }
  return merged;
}

function mergeItems(
  list: readonly Json[],
  path: readonly string[],
  below: readonly RemovedPart[],
  here: readonly RemovedPart[],
  slot: Slot,
): Json[] {
  const merged: Json[] = [];
  const putBack = (place: number): void => {
    for (const { value, seq } of here.filter(({ key }) => Number(key) === place)) {
      slot.inside.set(String(merged.length), { from: null, removed: seq, inside: new Map() });
      merged.push(value);
    }
  };
  for (const [place, item] of list.entries()) {
    putBack(place);
    const inner = { from: String(place), removed: null, inside: new Map<string, Slot>() };
    slot.inside.set(String(merged.length), inner);
    merged.push(merge(item, [...path, String(place)], below, inner));
  }
  putBack(list.length);
  return merged;
}
