import { isObject } from './json.ts';
import type { Json } from './types.ts';

/** As redact.ts writes it: the prefix, and twelve hex digits. */
const WHOLE = /^redacted:[0-9a-f]{12}$/;
/** In a copy of an object in JSON, or in place of a password in a text. */
const INSIDE = /redacted:[0-9a-f]{12}(?![0-9a-f])/;
const LAST_APPLIED = 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';

/**
 * What a recorded text at a path stands for: null where it is itself, `value` where it replaces a confidential value or has one
 * that was replaced, `copy` where it is kubectl's annotation that repeats the object with redacted values in it.
 */
export function redactedAt(path: string, text: string): 'value' | 'copy' | null {
  if (!INSIDE.test(text)) return null;
  return path === LAST_APPLIED ? 'copy' : 'value';
}

/** True where a value was redacted as a whole. */
export function isRedacted(value: Json): boolean {
  return typeof value === 'string' && WHOLE.test(value);
}

/** True where a value holds anything that was redacted. */
export function holdsRedacted(value: Json): boolean {
  if (typeof value === 'string') return INSIDE.test(value);
  if (Array.isArray(value)) return value.some(holdsRedacted);
  return isObject(value) && Object.values(value).some(holdsRedacted);
}
