import { canonicalJson, isObject } from './json.ts';
import { isQuantityField, sameQuantity } from './quantity.ts';
import { pairItems, pairTexts, textLines } from './pairing.ts';
import { holdsRedacted } from './redacted.ts';
import type { Json, JsonObject } from './types.ts';

/** What the cluster has for a part of a manifest. */
export interface Match {
  /**
   * `hidden`: the record has only a redacted value. `absent`: the cluster has no such field; what is in it is absent too,
   * and not told again.
   */
  state: 'same' | 'differs' | 'absent' | 'hidden';
  /** Where the part is in the object's body; where it is absent, where it would be. */
  at: readonly string[];
  /** Where it differs: what the manifest has, and what the cluster has. */
  wanted?: Json;
  value?: Json;
}

interface Node extends Match {
  inside: Map<string, Node>;
}

/** Compares a manifest with an object's body: gives what the cluster has for the part at some keys and places. */
export function matchManifest(manifest: JsonObject, body: JsonObject): (at: readonly string[]) => Match {
  const root = compare(manifest, body, '', []);
  const { stringData } = manifest;
  // The API server moves these into data.
  if (manifest.kind === 'Secret' && stringData !== undefined && isObject(stringData) && isObject(body.data ?? null)) {
    root.inside.set('stringData', compare(stringData, body.data ?? null, '', ['data']));
  }
  return (at) => {
    let node = root;
    for (const key of at) {
      const inner = node.inside.get(key);
      if (inner === undefined) break;
      node = inner;
    }
    return node;
  };
}

function compare(wanted: Json, found: Json, field: string, at: readonly string[]): Node {
  if (Array.isArray(wanted) && Array.isArray(found))
    return compareItems(wanted, found, pairItems(field, found, wanted), at);
  if (isObject(wanted) && isObject(found)) {
    const inside = new Map<string, Node>();
    for (const [key, value] of Object.entries(wanted)) {
      const there = Object.hasOwn(found, key) ? found[key] : undefined;
      inside.set(key, there === undefined ? absent([...at, key]) : compare(value, there, key, [...at, key]));
    }
    return { state: 'same', at, inside };
  }
  if (typeof wanted === 'string' && typeof found === 'string') {
    const [lines, others] = [textLines(wanted), textLines(found)];
    if (lines !== null && others !== null && wanted !== found) {
      return compareItems(lines, others, pairTexts(others, lines), at);
    }
    if (holdsRedacted(found)) return { state: 'hidden', at, inside: new Map() };
  }
  const same = canonicalJson(wanted) === canonicalJson(found) || (isQuantityField(at) && sameQuantity(wanted, found));
  if (same) return { state: 'same', at, inside: new Map() };
  return { state: 'differs', at, wanted, value: found, inside: new Map() };
}

function compareItems(
  wanted: readonly Json[],
  found: readonly Json[],
  pairs: readonly (number | null)[],
  at: readonly string[],
): Node {
  const inside = new Map<string, Node>();
  for (const [index, item] of wanted.entries()) {
    const place = pairs[index] ?? null;
    const there = place === null ? undefined : found[place];
    const node =
      place === null || there === undefined
        ? absent([...at, String(index)])
        : compare(item, there, '', [...at, String(place)]);
    inside.set(String(index), node);
  }
  return { state: 'same', at, inside };
}

function absent(at: readonly string[]): Node {
  return { state: 'absent', at, inside: new Map() };
}
