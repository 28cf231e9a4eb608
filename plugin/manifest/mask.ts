import { randomBytes } from 'node:crypto';
import { isObject } from '../../shared/json.ts';
import { MASK } from '../../shared/manifest.ts';
import { holdsRedacted } from '../../shared/redacted.ts';
import { ValueRedactor } from '../../shared/redact-values.ts';
import type { Json, JsonObject } from '../../shared/types.ts';

const TAGS = /redacted:[0-9a-f]+/g;

/**
 * A manifest to show: `***` for what the server redacts before it records it, as kubectl diff does with the values of
 * Secrets. What is redacted in the manifest already stays, so that it can be compared.
 */
export function masked(manifest: JsonObject, type: { group: string; resource: string }): JsonObject {
  const redactor = new ValueRedactor(randomBytes(32));
  if (!redactor.concerns(type, manifest)) return manifest;
  const result = maskedValue(manifest, redactor.redactValues(manifest, type));
  return isObject(result) ? result : manifest;
}

function maskedValue(value: Json, redacted: Json): Json {
  if (typeof redacted === 'string') {
    return value === redacted || holdsRedacted(value) ? value : redacted.replace(TAGS, MASK);
  }
  if (Array.isArray(value) && Array.isArray(redacted)) {
    return value.map((item, index) => maskedValue(item, redacted[index] ?? null));
  }
  if (!isObject(value) || !isObject(redacted)) return redacted;
  return Object.fromEntries(Object.entries(redacted).map(([key, member]) => [key, maskedValue(value[key] ?? null, member)])); // prettier-ignore
}
