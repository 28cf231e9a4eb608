import { isObject } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { JsonObject } from './types.ts';

/*
 * What a DELETE does, and when an UPDATE ends an object. A DELETE is only a request: with finalizers, foreground
 * propagation or a grace period the object is marked for deletion and stays. Follows kube-apiserver's rest.BeforeDelete, registry.Store.Delete and
 * ShouldDeleteDuringUpdate (staging/src/k8s.io/apiserver/pkg/registry), the pod strategy's CheckGracefulDelete, and the
 * own rules of namespaces and CustomResourceDefinitions. The timestamp is the API server's own clock, so the one
 * predicted here can be a second off: the next version of the object that is seen corrects it.
 */

interface TypeName {
  group: string;
  resource: string;
}

const FOREGROUND = 'foregroundDeletion';
const ORPHAN = 'orphan';
const CRD_CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

const isNamespace = (type: TypeName): boolean => type.group === '' && type.resource === 'namespaces';
const isPod = (type: TypeName): boolean => type.group === '' && type.resource === 'pods';
const isDefinition = (type: TypeName): boolean =>
  type.group === 'apiextensions.k8s.io' && type.resource === 'customresourcedefinitions';

/**
 * The object after a DELETE that was admitted at `at` (ms): null if it is gone, with a deletionTimestamp if it stays, and
 * `before` itself if the request changes nothing.
 */
export function afterDelete(
  before: JsonObject,
  type: TypeName,
  options: JsonObject | null,
  at: number,
): JsonObject | null {
  const metadata = metadataOf(before);
  const marked = metadata.deletionTimestamp !== undefined;
  if (isNamespace(type)) {
    if (!marked) return { ...mark(before, at, {}), status: { ...child(before, 'status'), phase: 'Terminating' } };
    return finalizersOf(before).length + specFinalizersOf(before).length === 0 ? null : before;
  }
  if (isPod(type)) return afterPodDelete(before, options, at);
  const finalizers = finalizersAfter(before, type, options);
  if (marked) return finalizers.length === 0 ? null : before;
  if (finalizers.length === 0) return null;
  if (isDefinition(type)) return markDefinition(before, at, finalizers);
  return mark(before, at, { finalizers, deletionGracePeriodSeconds: 0 });
}

function afterPodDelete(before: JsonObject, options: JsonObject | null, at: number): JsonObject | null {
  const metadata = metadataOf(before);
  const grace = podGraceSeconds(before, options);
  const finalizers = finalizersAfter(before, { group: '', resource: 'pods' }, options);
  const extra = finalizers.length > 0 ? { finalizers } : {};
  const pending = metadata.deletionGracePeriodSeconds;
  if (metadata.deletionTimestamp === undefined) {
    return mark(before, at + grace * 1000, { ...extra, deletionGracePeriodSeconds: grace });
  }
  if (typeof pending === 'number' && grace < pending && typeof metadata.deletionTimestamp === 'string') {
    // A pending deletion can only be brought forward, and not into the past.
    const set = Date.parse(metadata.deletionTimestamp);
    const deadline = Math.max((Number.isNaN(set) ? at : set) + (grace - pending) * 1000, at);
    return withMetadata(before, { deletionTimestamp: wholeSeconds(deadline), deletionGracePeriodSeconds: grace });
  }
  // With grace 0 the registry deletes in a second step, which is reviewed again.
  return finalizersOf(before).length === 0 && (pending === 0 || pending === undefined) ? null : before;
}

/** pkg/registry/core/pod/strategy.go: CheckGracefulDelete. */
function podGraceSeconds(pod: JsonObject, options: JsonObject | null): number {
  const spec = child(pod, 'spec');
  const phase = child(pod, 'status').phase;
  if (typeof spec.nodeName !== 'string' || spec.nodeName === '') return 0;
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  const wanted = options?.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds;
  const grace = typeof wanted === 'number' ? wanted : 0;
  return grace < 0 ? 1 : grace;
}

/** The finalizers that remain under a propagation policy: registry.Store's deletionFinalizersForGarbageCollection. */
function finalizersAfter(before: JsonObject, type: TypeName, options: JsonObject | null): string[] {
  const present = finalizersOf(before);
  if (isDefinition(type)) return present.includes(CRD_CLEANUP) ? present : [...present, CRD_CLEANUP];
  const policy = options?.propagationPolicy;
  if (typeof policy !== 'string') return present;
  const rest = present.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (policy === 'Foreground') return [...rest, FOREGROUND];
  if (policy === 'Orphan') return [...rest, ORPHAN];
  return rest;
}

/** True if nothing holds the object any more after an update: the API server then deletes it in the same step. */
export function updateEnds(before: JsonObject, after: JsonObject, type: TypeName): boolean {
  const metadata = metadataOf(before);
  if (metadata.deletionTimestamp === undefined || finalizersOf(after).length > 0) return false;
  if (isNamespace(type) && specFinalizersOf(after).length > 0) return false;
  const grace = metadata.deletionGracePeriodSeconds;
  return grace === undefined || grace === 0;
}

/** apiextensions-apiserver, pkg/registry/customresourcedefinition/etcd.go: neither a grace nor a new generation. */
function markDefinition(before: JsonObject, at: number, finalizers: string[]): JsonObject {
  const status = child(before, 'status');
  const conditions = Array.isArray(status.conditions) ? status.conditions : [];
  const terminating = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: wholeSeconds(at),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  return {
    ...withMetadata(before, { deletionTimestamp: wholeSeconds(at), finalizers }),
    status: { ...status, conditions: [...conditions, terminating] },
  };
}

function mark(object: JsonObject, deadline: number, extra: JsonObject): JsonObject {
  const { generation } = metadataOf(object);
  const bumped = typeof generation === 'number' && generation > 0 ? { generation: generation + 1 } : {};
  return withMetadata(object, { deletionTimestamp: wholeSeconds(deadline), ...bumped, ...extra });
}

function withMetadata(object: JsonObject, values: JsonObject): JsonObject {
  return { ...object, metadata: { ...metadataOf(object), ...values } };
}

/** The last second that RFC 3339 can express. A grace period can be any int64, and a huge one must not prevent recording. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59);

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export function wholeSeconds(time: number): string {
  return new Date(Math.floor(Math.min(time, LAST_SECOND) / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

function child(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function finalizersOf(object: JsonObject): string[] {
  return strings(metadataOf(object).finalizers);
}

function specFinalizersOf(object: JsonObject): string[] {
  return strings(child(object, 'spec').finalizers);
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
