import { updateEnds } from '../../../../shared/deletion.ts';
import { isObject } from '../../../../shared/json.ts';
import { metadataOf, type Normalised } from '../../../../shared/normalise.ts';
import type { JsonObject, ResourceType } from '../../../../shared/types.ts';
import type { AuditedRequest } from './audited-request.ts';

/**
 * Whether an object that was answered does not exist any more: what a deletion is answered with is the object as it was last. Where it
 * stays, it has finalizers, or a time until which it may end by itself. `before`: the body before an update, where it is known.
 */
export function endedBy(
  before: JsonObject | null,
  shown: JsonObject,
  type: Pick<ResourceType, 'group' | 'resource'>,
): boolean {
  if (before !== null) return updateEnds(before, shown, type);
  const { finalizers = [], deletionGracePeriodSeconds: grace = 0 } = metadataOf(shown);
  if (Array.isArray(finalizers) && finalizers.length > 0) return false;
  if (type.group === '' && type.resource === 'namespaces') {
    const held = isObject(shown.spec) ? shown.spec.finalizers : undefined;
    return !Array.isArray(held) || held.length === 0;
  }
  return !(typeof grace === 'number' && grace > 0);
}

/**
 * Whether a request left the object as it was: it is answered with the version that was there before. That shows where the request names its
 * base; and where managedFields tell that somebody wrote since the last version that is known (`since`, ms; null where none is), before the
 * request came: who takes fields away may leave no entry, who sets any leaves one.
 */
export function isNoOp(
  { operation, baseResourceVersion, record }: AuditedRequest,
  shown: Normalised,
  since: number | null,
): boolean {
  if (operation === 'DELETE' || operation === 'CREATE') return false;
  if (baseResourceVersion !== '' && baseResourceVersion === shown.resourceVersion) return true;
  const times = shown.managedFields.map(({ time }) => Date.parse(time)).filter((time) => !Number.isNaN(time));
  if (times.length === 0) return false;
  const newest = Math.max(...times);
  return newest < Math.floor(record.receivedAt / 1000) * 1000 && (since === null || newest > since);
}
