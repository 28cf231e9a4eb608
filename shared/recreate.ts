import { isObject } from './json.ts';
import { metadataOf } from './normalise.ts';
import { withoutRedacted } from './revert.ts';
import type { Json, JsonObject } from './types.ts';

/** What the API server sets in every object's metadata, and refuses or overwrites from others. */
const METADATA = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];

/** Annotations that a controller writes about one incarnation: they would be wrong in the next. */
const NOTES = new Set([
  'deployment.kubernetes.io/revision',
  'pv.kubernetes.io/bind-completed',
  'pv.kubernetes.io/bound-by-controller',
  'volume.kubernetes.io/selected-node',
]);

/** Labels that the Job controller derives from the Job's uid. */
const JOB_LABELS = new Set([
  'controller-uid',
  'job-name',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-name',
]);

/** Finalizers of a deletion in progress, not of the object. */
const DELETING = new Set(['foregroundDeletion', 'orphan']);

/** True for paths (as in deltas) that a request cannot set: they are neither undone nor compared. */
export function isServerSet(path: string): boolean {
  return METADATA.some((key) => path === `metadata.${key}`);
}

/** Labels and annotations that the API server or kubectl adds to a manifest. */
const SERVER_NOTES = new Set([
  ...NOTES,
  ...JOB_LABELS,
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.daemonset.template.generation',
  'kubernetes.io/metadata.name',
]);

/** True for the key of a label or annotation that nobody would put into a manifest. */
export function isServerNote(key: string): boolean {
  return SERVER_NOTES.has(key);
}

/**
 * The manifest that creates a deleted object again. `body` is its last state; fields that the API server sets are left out, so
 * that it sets them again. `lost` are the paths of values that were never recorded.
 */
export function recreate(
  body: JsonObject,
  type: { group: string; resource: string },
): {
  manifest: JsonObject;
  lost: string[];
} {
  const { value, lost } = withoutRedacted(body, '');
  const known = value !== undefined && isObject(value) ? value : {};
  const { status: _, ...rest } = known;
  const metadata = cleanMetadata(metadataOf(known));
  return { manifest: cleanSpec({ ...rest, metadata }, `${type.resource}.${type.group}`), lost };
}

function cleanMetadata(metadata: JsonObject): JsonObject {
  const clean: JsonObject = omit(metadata, METADATA);
  clean['annotations'] = without(clean['annotations'], NOTES);
  clean['finalizers'] = Array.isArray(clean['finalizers'])
    ? clean['finalizers'].filter((name) => typeof name !== 'string' || !DELETING.has(name))
    : null;
  return Object.fromEntries(Object.entries(clean).filter(([, value]) => !isEmpty(value)));
}

/** What the API server or a controller fills into the spec of some types. Found by re-creating objects on a real API server. */
function cleanSpec(body: JsonObject, type: string): JsonObject {
  const { spec } = body;
  if (spec === undefined || !isObject(spec)) return body;
  switch (type) {
    case 'pods.':
      return { ...body, spec: omit(spec, ['nodeName']) };
    case 'services.':
      // `None` was asked for; an address was allocated.
      return spec['clusterIP'] === 'None'
        ? body
        : { ...body, spec: omit(spec, ['clusterIP', 'clusterIPs', 'healthCheckNodePort']) };
    case 'namespaces.': {
      const { spec: _, ...rest } = body;
      return rest;
    }
    case 'persistentvolumeclaims.':
      return { ...body, spec: omit(spec, ['volumeName']) };
    case 'persistentvolumes.': {
      const claim = spec['claimRef'];
      if (claim === undefined || !isObject(claim)) return body;
      return { ...body, spec: { ...spec, claimRef: omit(claim, ['uid', 'resourceVersion']) } };
    }
    case 'jobs.batch':
      return spec['manualSelector'] === true ? body : withoutJobLabels({ ...body, spec: cleanJob(spec) });
    default:
      return body;
  }
}

/** The selector, and the labels that it matches, contain the old uid. */
function cleanJob(spec: JsonObject): JsonObject {
  const rest = omit(spec, ['selector']);
  const { template } = rest;
  return template === undefined || !isObject(template) ? rest : { ...rest, template: withoutJobLabels(template) };
}

function withoutJobLabels(body: JsonObject): JsonObject {
  const { labels, ...metadata } = metadataOf(body);
  const kept = without(labels, JOB_LABELS);
  return { ...body, metadata: isEmpty(kept) ? metadata : { ...metadata, labels: kept } };
}

function without(value: Json | undefined, keys: ReadonlySet<string>): Json {
  if (value === undefined || !isObject(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.has(key)));
}

function omit(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

function isEmpty(value: Json): boolean {
  if (value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
