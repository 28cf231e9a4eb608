import { isObject } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { JsonObject } from './types.ts';

/** An object's labels; empty if it does not exist. Values that are not strings are left out. */
export function labelsOf(body: JsonObject | null): Record<string, string> {
  const { labels } = metadataOf(body);
  if (!isObject(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}
