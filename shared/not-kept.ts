import { isObject } from './json.ts';
import type { Json, JsonObject } from './types.ts';

/** Why the body of a request is not there. The words are shown to people. */
export const NOT_KEPT_REASONS = {
  'disk-full': 'the disk was full',
  budget: 'its user had asked for too much that was not persisted',
  'never-persisted': 'it was never persisted, and is older than a day',
} as const;
export type NotKeptReason = keyof typeof NOT_KEPT_REASONS;

/** Those reasons for which the body was never recorded at all. */
export const NOT_RECORDED = ['disk-full', 'budget'] as const;
export type NotRecorded = (typeof NOT_RECORDED)[number];

/** Stored in the options of a change instead of the requested body. */
export interface NotKept {
  reason: NotKeptReason;
  /** Size of the body as JSON. */
  bytes: number;
  /** hashBody() of the body, in hex. */
  hash: string;
  /** The beginning of its JSON; '' if that was not kept either. */
  start: string;
}

/** The member of the options that holds it. No options of Kubernetes have a member of this name. */
const MEMBER = 'bodyNotKept';

/** Adds the note about a body that is not kept to the options. */
export function withNotKept(options: Json, notKept: NotKept): JsonObject {
  return { ...(isObject(options) ? options : {}), [MEMBER]: { ...notKept } };
}

/** The note about a body that was not kept; null if there is none. */
export function notKeptOf(options: Json): NotKept | null {
  const value = isObject(options) ? options[MEMBER] : undefined;
  if (!isObject(value)) return null;
  const { reason, bytes, hash, start } = value;
  if (typeof reason !== 'string' || !Object.hasOwn(NOT_KEPT_REASONS, reason)) return null;
  if (typeof bytes !== 'number' || typeof hash !== 'string' || typeof start !== 'string') return null;
  return { reason: reason as NotKeptReason, bytes, hash, start };
}
