import { isObject, sameJson } from '../../../../shared/json.ts';
import { pairItems } from '../../../../shared/pairing.ts';
import type { Json, JsonObject } from '../../../../shared/types.ts';

/** Set by the API server's clock, or by a controller right behind: the exact value is not known beforehand. */
const SET_BY_CLOCK = /^\/metadata\/deletionTimestamp$|^\/status(\/|$)/;

/** A value, or nothing: undefined is a field that does not exist. */
type Maybe = Json | undefined;

/**
 * True where everything that a change (`before` to `after`) did stands in a body, though more may have changed since.
 * `projected`: what it did was predicted, and need not be exact.
 */
export function holds(before: JsonObject, after: JsonObject, body: JsonObject, projected: boolean): boolean {
  const stands = (path: string, field: string, old: Maybe, now: Maybe, found: Maybe): boolean => {
    if (same(old, now)) return true;
    if (isMap(old) && isMap(now) && isMap(found)) {
      return [...new Set([...Object.keys(old), ...Object.keys(now)])].every((key) =>
        stands(`${path}/${key}`, key, own(old, key), own(now, key), own(found, key)),
      );
    }
    if (Array.isArray(old) && Array.isArray(now) && Array.isArray(found)) {
      return itemsStand(path, field, old, now, found);
    }
    return projected && SET_BY_CLOCK.test(path) && now !== undefined ? found !== undefined : same(now, found);
  };
  const itemsStand = (path: string, field: string, old: Json[], now: Json[], found: Json[]): boolean => {
    const [pairs, later] = [pairItems(field, old, now), pairItems(field, now, found)];
    const isGone = (place: number): boolean => !found.some((item, at) => later[at] === null && same(item, old[place]));
    return (
      [...old.keys()].every((place) => pairs.includes(place) || isGone(place)) &&
      [...now.entries()].every(([place, item]) => {
        const [from, to] = [pairs[place] ?? null, later.indexOf(place)];
        const inside = `${path}/${place}`;
        return stands(inside, '', from === null ? undefined : old[from], item, to < 0 ? undefined : found[to]);
      })
    );
  };
  return stands('', '', before, after, body);
}

function isMap(value: Maybe): value is JsonObject {
  return value !== undefined && isObject(value);
}

function own(object: JsonObject, key: string): Maybe {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function same(first: Maybe, second: Maybe): boolean {
  return first === undefined || second === undefined ? first === second : sameJson(first, second);
}
