import { isObject } from '../json.ts';
import { metadataOf } from '../normalise.ts';
import type { Actor, Effect, Json, JsonObject, ObjectRef, Operation, Source } from '../types.ts';

/** What of a change its causes are found from. Lists of facts are of changes that were persisted, oldest first. */
export interface Fact {
  seq: number;
  object: ObjectRef;
  operation: Operation;
  subresource: string;
  source: Source;
  actor: Actor | null;
  effect: Effect;
  before: JsonObject | null;
  after: JsonObject | null;
}

/** A change that led to another, and how the record shows it. */
export interface Cause {
  seq: number;
  /** False where the record leaves other explanations open. */
  certain: boolean;
  why: string;
  /** Changes that may as well have led to it: where one person stands behind all, it is certain after all. */
  others?: number[];
}

/** A cause beside others: certain where there are none. */
export function causeAmong(seq: number, why: string, all: Iterable<number>): Cause {
  const others = [...new Set(all)].filter((other) => other !== seq);
  return others.length === 0 ? { seq, certain: true, why } : { seq, certain: false, why, others };
}

export interface OwnerReference {
  group: string;
  kind: string;
  name: string;
  uid: string;
  controller: boolean;
}

/** The owners that a body names. */
export function ownersOf(body: JsonObject | null): OwnerReference[] {
  const { ownerReferences } = metadataOf(body);
  if (!Array.isArray(ownerReferences)) return [];
  return ownerReferences.filter(isObject).map((owner) => ({
    group: textOf(owner.apiVersion).includes('/') ? (textOf(owner.apiVersion).split('/')[0] ?? '') : '',
    kind: textOf(owner.kind),
    name: textOf(owner.name),
    uid: textOf(owner.uid),
    controller: owner.controller === true,
  }));
}

/** The number under `spec.replicas`; null where there is none. */
export function replicasOf(body: JsonObject | null): number | null {
  const replicas = specOf(body).replicas;
  return typeof replicas === 'number' ? replicas : null;
}

export function specOf(body: JsonObject | null): JsonObject {
  const spec = body?.spec;
  return spec !== undefined && isObject(spec) ? spec : {};
}

/** metadata.annotations. */
export function annotationsOf(body: JsonObject | null): JsonObject {
  const { annotations } = metadataOf(body);
  return annotations !== undefined && isObject(annotations) ? annotations : {};
}

/** True where the object was asked to go, and is still there. */
export function isMarked(body: JsonObject | null): boolean {
  return metadataOf(body).deletionTimestamp !== undefined;
}

/** True where a change is what asks an object to go: it marks it, or ends one that was not marked. */
export function isLeaving({ before, after, effect }: Fact): boolean {
  return before !== null && !isMarked(before) && (effect === 'deleted' || isMarked(after));
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
