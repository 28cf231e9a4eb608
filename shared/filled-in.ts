import { isObject } from './json.ts';
import { metadataOf } from './normalise.ts';
import type { Json, JsonObject } from './types.ts';

/**
 * The body with the defaults that the API server fills in when it reads an object from its store: reviews do not show them, but
 * everybody who reads the object sees them. Returns the same body if there is nothing to fill in. Only for types whose reviews
 * were seen without them; what is missing here is corrected when the object is next shown (docs/decisions/0030). Source: the SetDefaults_ functions in
 * k8s.io/kubernetes/pkg/apis/core/v1/defaults.go and pkg/apis/batch/v1/defaults.go.
 */
export function filledIn(body: JsonObject, { group, resource }: { group: string; resource: string }): JsonObject {
  if (group === '' && (resource === 'persistentvolumeclaims' || resource === 'persistentvolumes')) {
    const status = isObject(body.status) ? body.status : {};
    return isEmpty(status.phase) ? { ...body, status: { ...status, phase: 'Pending' } } : body;
  }
  if (group === 'batch' && resource === 'jobs') {
    const labels = metadataOf(templateOf(body)).labels;
    const isFilledIn = isObject(labels) && isEmpty(metadataOf(body).labels);
    return isFilledIn ? { ...body, metadata: { ...metadataOf(body), labels } } : body;
  }
  return body;
}

function templateOf({ spec }: JsonObject): JsonObject | null {
  return isObject(spec) && isObject(spec.template) ? spec.template : null;
}

function isEmpty(value: Json | undefined): boolean {
  return value === undefined || value === '' || (isObject(value) && Object.keys(value).length === 0);
}
