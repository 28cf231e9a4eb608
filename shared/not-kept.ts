import { isObject } from './json.ts';
import type { Json, JsonObject } from './types.ts';

/** Why the body of a request is not there. The words are shown to people. */
export const NOT_KEPT_REASONS = {
  'disk-full': 'the disk was full',
  budget: 'its user had asked for too much that was not persisted',
  'never-persisted': 'it was never persisted, and is older than a day',
} as const;
export type NotKeptReason = keyof typeof NOT_KEPT_REASONS;

/** Of these, why it was not recorded in the first place. */
export const NOT_RECORDED = ['disk-full', 'budget'] as const;
export type NotRecorded = (typeof NOT_RECORDED)[number];

/** Stands among the options of a change, in place of the body that was asked for. */
export interface NotKept {
  reason: NotKeptReason;
  /** Of the body, as JSON. */
  bytes: number;
  /** hashBody() of it, in hex. */
  hash: string;
  /** How its JSON begins; '' where that was not kept either. */
  start: string;
}

/** The member of the options that has it. No options of Kubernetes have one of this name. */
const MEMBER = 'bodyNotKept';

/** Options with what is told of a body that is not kept. */
export function withNotKept(options: Json, notKept: NotKept): JsonObject {
  return { ...(isObject(options) ? options : {}), [MEMBER]: { ...notKept } };
}

/** What is told of a body that was not kept; null where there is no such. */
export function notKeptOf(options: Json): NotKept | null {
  const value = isObject(options) ? options[MEMBER] : undefined;
  if (!isObject(value)) return null;
  const { reason, bytes, hash, start } = value;
  if (typeof reason !== 'string' || !Object.hasOwn(NOT_KEPT_REASONS, reason)) return null;
  if (typeof bytes !== 'number' || typeof hash !== 'string' || typeof start !== 'string') return null;
  return { reason: reason as NotKeptReason, bytes, hash, start };
}
