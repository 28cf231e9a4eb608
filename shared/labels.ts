import { isObject } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { JsonObject } from './types.ts';

/** An object's labels; none of one that does not exist. What is no text is no label. */
export function labelsOf(body: JsonObject | null): Record<string, string> {
  const { labels } = metadataOf(body);
  if (!isObject(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}
