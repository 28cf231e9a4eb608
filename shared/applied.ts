import { DriftFinder, lastApplied, type Cluster } from './drift.ts';
import { canonicalJson, isObject, memberOf } from './json.ts';
import { compareManifest } from './manifest.ts';
import { pairWanted } from './pair-wanted.ts';
import type { Json, JsonObject } from './types.ts';

/**
 * What an object would be after `kubectl apply` of a manifest: the manifest's values, plus those fields of the cluster's object that
 * the last apply did not set. Where the object does not record its last apply, only fields that the API server set by itself are kept.
 * null if nothing would change.
 */
export function afterApply(manifest: JsonObject, cluster: Cluster): JsonObject | null {
  if (!compareManifest(manifest, cluster).differs) return null;
  const last = lastApplied(cluster.body);
  const body = new Apply(cluster, last !== undefined).object(withData(manifest), cluster.body, last, []);
  return canonicalJson(body) === canonicalJson(cluster.body) ? null : body;
}

/** The API server moves stringData of a Secret into data. */
export function withData(manifest: JsonObject): JsonObject {
  const { stringData, ...rest } = manifest;
  if (manifest.kind !== 'Secret' || !isObject(stringData)) return manifest;
  return { ...rest, data: { ...(isObject(rest.data) ? rest.data : {}), ...stringData } };
}

class Apply {
  private readonly drift: DriftFinder;

  constructor(
    cluster: Cluster,
    private readonly lastIsKnown: boolean,
  ) {
    this.drift = new DriftFinder(cluster);
  }

  object(wanted: JsonObject, found: JsonObject, last: Json | undefined, at: readonly string[]): JsonObject {
    const body: JsonObject = {};
    for (const [key, value] of Object.entries(found)) {
      const before = memberOf(last, key);
      const part = { value, at: [...at, key], around: found, applied: before, item: false };
      if (!Object.hasOwn(wanted, key) && !this.goes(part)) body[key] = value;
    }
    for (const [key, value] of Object.entries(wanted)) {
      // null removes a field.
      if (value !== null && !(at.length === 0 && key === 'status'))
        body[key] = this.value(value, found[key], memberOf(last, key), [...at, key]);
    }
    return body;
  }

  private value(wanted: Json, found: Json | undefined, last: Json | undefined, at: readonly string[]): Json {
    if (isObject(wanted) && isObject(found ?? null)) return this.object(wanted, found as JsonObject, last, at);
    // A list of plain values is one value.
    if (Array.isArray(wanted) && Array.isArray(found) && wanted.some(isObject))
      return this.list(wanted, found, last, at);
    return wanted;
  }

  private list(wanted: readonly Json[], found: readonly Json[], last: Json | undefined, at: readonly string[]): Json[] {
    const field = at.at(-1) ?? '';
    const pairs = pairWanted(field, wanted, found);
    const before = Array.isArray(last) ? last : [];
    const sent = pairWanted(field, before, found);
    const lastAt = (place: number): Json | undefined => before[sent.indexOf(place)];
    const items = wanted.map((item, index) => {
      const place = pairs[index] ?? null;
      return place === null ? item : this.value(item, found[place], lastAt(place), [...at, String(place)]);
    });
    const kept = found.filter((value, place) => {
      const part = { value, at: [...at, String(place)], around: [...found], applied: lastAt(place), item: true };
      return !pairs.includes(place) && !this.goes(part);
    });
    return [...items, ...kept];
  }

  /** Whether fields that are not in the manifest are removed. */
  private goes(part: Parameters<DriftFinder['find']>[0]): boolean {
    return this.lastIsKnown ? part.applied !== undefined : this.drift.find(part) !== null;
  }
}
