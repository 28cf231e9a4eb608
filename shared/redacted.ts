import { isObject } from './json.ts';
import type { Json } from './types.ts';

/** A tag as redact.ts writes it: the prefix and twelve hex digits. */
const WHOLE = /^redacted:[0-9a-f]{12}$/;
/** A tag within a text: in a JSON copy of an object, or in place of a password. */
const INSIDE = /redacted:[0-9a-f]{12}(?![0-9a-f])/;
const LAST_APPLIED = 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';

/**
 * What a recorded text at a path is: null if it is not redacted, `value` if it replaces a confidential value or contains a replaced
 * one, `copy` if it is kubectl's annotation with a copy of the object that has redacted values.
 */
export function redactedAt(path: string, text: string): 'value' | 'copy' | null {
  if (!INSIDE.test(text)) return null;
  return path === LAST_APPLIED ? 'copy' : 'value';
}

/** True if the whole value was redacted. */
export function isRedacted(value: Json): boolean {
  return typeof value === 'string' && WHOLE.test(value);
}

/** True if a value contains anything that was redacted. */
export function holdsRedacted(value: Json): boolean {
  if (typeof value === 'string') return INSIDE.test(value);
  if (Array.isArray(value)) return value.some(holdsRedacted);
  return isObject(value) && Object.values(value).some(holdsRedacted);
}
