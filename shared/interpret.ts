import { afterDelete, updateEnds, wholeSeconds } from './deletion.ts';
import { filledIn } from './filled-in.ts';
import { isObject, itemsOf } from './json.ts';
import { fieldManager, isServerSideApply, metadataOf, metadataText, type Normalised } from './normalise.ts';
import { diff } from './patch.ts';
import { nameOf, type Review } from './review.ts';
import type { Json, JsonObject, ObjectRef, Patch } from './types.ts';

/** A body that the API server has shown, and at which version. */
export type Seen = Normalised;

/**
 * What a review asks for:
 * - `state`: the whole body before and after it. `before` comes from the API server. `after` is null if the request ends the
 *   object; `patch` still says what it set last.
 * - `projection`: a change of an object that the review does not show as a whole: `apply` returns the body after it, or null if
 *   the request ends the object.
 * - `scale`: a new number of replicas. The caller of `apply` says which field holds it, as the type's definition has it.
 * - `act`: a request without a state, such as an exec.
 */
export type Meaning =
  | { kind: 'state'; before: Seen | null; after: JsonObject | null; patch: Patch }
  | { kind: 'projection'; apply: (body: JsonObject) => JsonObject | null }
  | ({ kind: 'scale'; apply: (body: JsonObject, replicasPath: readonly string[]) => JsonObject } & ScaleRequest)
  | { kind: 'act' };

/** The number of replicas before a request to scale (null if the review does not say), and the requested one. */
export interface ScaleRequest {
  from: number | null;
  to: number;
}

export interface Interpretation {
  /** The uid is '' if the review does not have it: an act on a name. The kind is '' if only a part of the object is shown. */
  object: ObjectRef;
  manager: string;
  baseResourceVersion: string;
  options: Json;
  meaning: Meaning;
}

/** The field that the `scale` subresource sets in most kinds. */
export const REPLICAS_PATH: readonly string[] = ['spec', 'replicas'];

/** The meaning of a review that was received at `at` (ms). Its confidential values have been replaced. */
export function interpret(review: Review, at: number): Interpretation {
  const type = { group: review.resource.group, resource: review.resource.resource };
  const whole = carriesWholeObject(review);
  const known = (review.object ?? review.oldObject)?.body ?? null;
  const meaning = whole ? wholeMeaning(review, type, at) : partialMeaning(review, at);
  const managers = [review.oldObject?.managedFields ?? [], review.object?.managedFields ?? []] as const;
  const manager = fieldManager(review.options, ...managers);
  return {
    object: {
      ...type,
      kind: whole ? review.kind.kind : '',
      namespace: namespaceOf(review),
      name: nameOf(review),
      // The body of an act is not the object: a uid in it is not the object's.
      uid: meaning.kind === 'act' && !whole ? '' : metadataText(known, 'uid'),
    },
    manager,
    baseResourceVersion: review.oldObject?.resourceVersion ?? '',
    options: requestOptions(review, whole, isServerSideApply(manager, ...managers)),
    meaning,
  };
}

/** True if the review's bodies are the object itself; false for subresources with bodies of their own. */
export function carriesWholeObject(review: Review): boolean {
  if (review.operation === 'CONNECT') return false;
  if (review.subresource === '') return true;
  return review.operation === 'UPDATE' && !isScale(review);
}

function isScale(review: Review): boolean {
  return review.subresource === 'scale' && review.kind.kind === 'Scale';
}

/** The object's namespace. Reviews of a Namespace name it as their namespace, although it is in none. */
export function namespaceOf(review: Review): string {
  if (review.resource.group === '' && review.resource.resource === 'namespaces') return '';
  const shown = carriesWholeObject(review) ? (review.object ?? review.oldObject) : null;
  return shown === null ? review.namespace : metadataText(shown.body, 'namespace');
}

function wholeMeaning(
  { oldObject: before, object: after, options }: Review,
  type: { group: string; resource: string },
  at: number,
): Meaning {
  if (before !== null && after === null) {
    const left = afterDelete(before.body, type, options, at);
    if (left === before.body) return { kind: 'act' };
    return { kind: 'state', before, after: left, patch: diff(before.body, left) };
  }
  // The review names the deleted object, but does not show it.
  if (before === null && after === null)
    return { kind: 'projection', apply: (body) => afterDelete(body, type, options, at) };
  const body = after === null ? null : filledIn(after.body, type);
  const patch = diff(before?.body ?? null, body);
  if (before !== null && body !== null && updateEnds(before.body, body, type)) {
    return { kind: 'state', before, after: null, patch: [...patch, ...diff(body, null)] };
  }
  return { kind: 'state', before, after: body, patch };
}

function partialMeaning(review: Review, at: number): Meaning {
  const part = review.object?.body ?? null;
  if (part !== null && review.operation === 'UPDATE' && isScale(review)) {
    const to = replicasOf(part);
    const from = review.oldObject === null ? null : replicasOf(review.oldObject.body);
    return { kind: 'scale', from, to, apply: (body, path) => scaled(body, path, to) };
  }
  if (part !== null && review.operation === 'CREATE' && review.subresource === 'binding') {
    const target = isObject(part.target) ? part.target.name : undefined;
    if (typeof target === 'string') return { kind: 'projection', apply: (body) => bound(body, target, part, at) };
  }
  return { kind: 'act' };
}

/** The replicas in a Scale. Go omits a zero. */
function replicasOf({ spec }: JsonObject): number {
  return isObject(spec) && typeof spec.replicas === 'number' ? spec.replicas : 0;
}

/** The object with another number of replicas, and a new generation if that changes its spec. */
export function scaled(body: JsonObject, path: readonly string[], replicas: Json): JsonObject {
  if (valueAt(body, path) === replicas) return body;
  const metadata = metadataOf(body);
  const generation = metadata.generation;
  const bumped = typeof generation === 'number' ? { ...metadata, generation: generation + 1 } : metadata;
  return setAt({ ...body, metadata: bumped }, path, replicas);
}

/**
 * The pod after a binding: it has a node, it is marked as scheduled, and it takes over the binding's annotations and labels
 * (pkg/registry/core/pod/storage, assignPod).
 */
function bound(body: JsonObject, node: string, binding: JsonObject, at: number): JsonObject {
  const metadata = { ...metadataOf(body) };
  for (const key of ['annotations', 'labels']) {
    const added = metadataOf(binding)[key];
    if (isObject(added)) metadata[key] = { ...(isObject(metadata[key]) ? metadata[key] : {}), ...added };
  }
  const status = isObject(body.status) ? body.status : {};
  const conditions = itemsOf(status.conditions);
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: wholeSeconds(at),
  };
  const others = conditions.filter(({ type }) => type !== 'PodScheduled');
  const onNode = setAt({ ...body, metadata }, ['spec', 'nodeName'], node);
  return setAt(onNode, ['status', 'conditions'], [...others, scheduled]);
}

function valueAt(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((at, key) => (isObject(at) ? at[key] : undefined), value);
}

function setAt(body: JsonObject, path: readonly string[], value: Json): JsonObject {
  const [head, ...rest] = path;
  if (head === undefined) return body;
  const child = body[head];
  return { ...body, [head]: rest.length === 0 ? value : setAt(isObject(child) ? child : {}, rest, value) };
}

/**
 * The options of the request, and what a partial body asked for: this is all that is left of an act. null if empty. A
 * server-side apply is marked here, because admission shows it as an update with an update's options.
 */
function requestOptions(review: Review, whole: boolean, applied: boolean): Json {
  const {
    kind: _kind,
    apiVersion: _apiVersion,
    fieldManager: _manager,
    dryRun: _dryRun,
    ...options
  } = review.options ?? {};
  if (!whole && review.object !== null) {
    // `status` holds the answer: in a TokenRequest, a token.
    const { kind: _, apiVersion: __, metadata: ___, status: ____, ...asked } = review.object.body;
    Object.assign(options, asked);
  }
  if (applied) Object.assign(options, { serverSideApply: true });
  return Object.keys(options).length === 0 ? null : options;
}
