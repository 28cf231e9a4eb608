import { KubeblameError } from './errors.ts';
import { exactNumber, isObject } from './json.ts';
import { metadataText, normalise, type Normalised } from './normalise.ts';
import { OPERATIONS, type Actor, type Json, type JsonObject, type Operation } from './types.ts';

/** The request of an admission.k8s.io/v1 AdmissionReview: the parts that are recorded, or that decide what is recorded. */
export interface Review {
  uid: string;
  /** The kind of the object in the review: `autoscaling/v1 Scale` for the `scale` subresource, otherwise mostly the parent's. */
  kind: { group: string; version: string; kind: string };
  resource: { group: string; version: string; resource: string };
  /** '' for the object itself. */
  subresource: string;
  /** The name in the request: '' with a generateName, and for a deletecollection. */
  name: string;
  namespace: string;
  operation: Operation;
  actor: Actor;
  object: Normalised | null;
  oldObject: Normalised | null;
  options: JsonObject | null;
  dryRun: boolean;
}

/** The objects of a review, if they were parsed separately. */
export type ReviewBodies = Pick<Review, 'object' | 'oldObject'>;

function invalid(what: string): KubeblameError {
  return new KubeblameError('review-invalid', `not a usable AdmissionReview: ${what}`);
}

function text(parent: JsonObject, key: string, path: string, required = false): string {
  const value = parent[key];
  if (value === undefined || value === null) {
    if (required) throw invalid(`${path}.${key} is missing`);
    return '';
  }
  // A number that JavaScript cannot hold is a string here; see json.ts.
  if (typeof value !== 'string' || exactNumber(value) !== null) throw invalid(`${path}.${key} must be a string`);
  if (required && value === '') throw invalid(`${path}.${key} is empty`);
  return value;
}

function optionalObject(parent: JsonObject, key: string, path: string): JsonObject | null {
  const value = parent[key];
  if (value === undefined || value === null) return null;
  if (!isObject(value)) throw invalid(`${path}.${key} must be an object`);
  return value;
}

function requiredObject(parent: JsonObject, key: string, path: string): JsonObject {
  const value = optionalObject(parent, key, path);
  if (value === null) throw invalid(`${path}.${key} is missing`);
  return value;
}

function strings(value: Json | undefined, path: string): string[] {
  if (value === undefined || value === null) return [];
  if (
    !Array.isArray(value) ||
    !value.every((item): item is string => typeof item === 'string' && exactNumber(item) === null)
  ) {
    throw invalid(`${path} must be a list of strings`);
  }
  return value;
}

function readActor(userInfo: JsonObject): Actor {
  const actor: Actor = {
    username: text(userInfo, 'username', 'request.userInfo'),
    groups: strings(userInfo.groups, 'request.userInfo.groups'),
  };
  const uid = text(userInfo, 'uid', 'request.userInfo');
  if (uid !== '') actor.uid = uid;
  const extra = optionalObject(userInfo, 'extra', 'request.userInfo');
  if (extra !== null) {
    actor.extra = Object.fromEntries(
      Object.entries(extra).map(([key, value]) => [key, strings(value, `request.userInfo.extra.${key}`)]),
    );
  }
  return actor;
}

/**
 * Reads a parsed AdmissionReview. Throws KubeblameError review-invalid, which names the field, if it is not one: nothing
 * is guessed. `bodies`: the request's objects, if the document does not have them. Source of the shape: k8s.io/api/admission/v1/types.go.
 */
export function readReview(document: Json, bodies?: ReviewBodies): Review {
  if (!isObject(document)) throw invalid('the document is not an object');
  if (document.kind !== 'AdmissionReview') throw invalid('kind must be AdmissionReview');
  if (document.apiVersion !== 'admission.k8s.io/v1') {
    const found = typeof document.apiVersion === 'string' ? document.apiVersion : 'missing';
    throw new KubeblameError(
      'review-invalid',
      `not a usable AdmissionReview: its apiVersion is ${found}, expected admission.k8s.io/v1`,
      'register the webhook with admissionReviewVersions: ["v1"]',
    );
  }
  const request = requiredObject(document, 'request', 'review');
  const uid = text(request, 'uid', 'request', true);
  const operation = text(request, 'operation', 'request', true);
  if (!OPERATIONS.includes(operation as Operation)) {
    throw invalid(`request.operation must be one of ${OPERATIONS.join(', ')}`);
  }
  const kind = requiredObject(request, 'kind', 'request');
  const resource = requiredObject(request, 'resource', 'request');
  return {
    uid,
    kind: {
      group: text(kind, 'group', 'request.kind'),
      version: text(kind, 'version', 'request.kind', true),
      kind: text(kind, 'kind', 'request.kind', true),
    },
    resource: {
      group: text(resource, 'group', 'request.resource'),
      version: text(resource, 'version', 'request.resource', true),
      resource: text(resource, 'resource', 'request.resource', true),
    },
    subresource: text(request, 'subResource', 'request'),
    name: text(request, 'name', 'request'),
    namespace: text(request, 'namespace', 'request'),
    operation: operation as Operation,
    actor: readActor(requiredObject(request, 'userInfo', 'request')),
    ...(bodies ?? { object: readBody(request, 'object'), oldObject: readBody(request, 'oldObject') }),
    options: optionalObject(request, 'options', 'request'),
    dryRun: request.dryRun === true,
  };
}

function readBody(request: JsonObject, key: string): Normalised | null {
  const body = optionalObject(request, key, 'request');
  if (body?.metadata !== undefined && !isObject(body.metadata))
    throw invalid(`request.${key}.metadata must be an object`);
  return body === null ? null : normalise(body);
}

/**
 * Throws KubeblameError review-incomplete if a review does not say which object it is about, or lacks a body that the operation
 * requires. A DELETE may lack its oldObject: an extension API server need not send it, and the name is enough. Call this only for
 * reviews that will be recorded: reviews that the rules exclude may lack all of it.
 */
export function requireRecordable(review: Review): void {
  const { operation, object, oldObject, resource, subresource } = review;
  const fail = (what: string): never => {
    const type = `${resource.resource}${resource.group === '' ? '' : `.${resource.group}`}`;
    throw new KubeblameError(
      'review-incomplete',
      `a ${operation} of ${type}${subresource === '' ? '' : `/${subresource}`} that cannot be recorded: ${what}`,
    );
  };
  if (nameOf(review) === '') fail('it names no object, neither in request.name nor in an object');
  if ((operation === 'CREATE' || operation === 'UPDATE') && object === null) fail('request.object is missing');
  if (operation === 'UPDATE' && oldObject === null) fail('request.oldObject is missing');
}

/** The object's name: request.name is empty for a generateName and for the reviews of a deletecollection. */
export function nameOf(review: Review): string {
  if (review.name !== '') return review.name;
  return metadataText(review.object?.body ?? null, 'name') || metadataText(review.oldObject?.body ?? null, 'name');
}

/** The namespace of a review's object; '' for a Namespace itself, whose reviews have its own name as the namespace. */
export function namespaceOf({ resource, namespace }: Pick<Review, 'resource' | 'namespace'>): string {
  return resource.group === '' && resource.resource === 'namespaces' ? '' : namespace;
}
