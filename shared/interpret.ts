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
 * - `state`: a whole body before and after it. `before` is the API server's own word. `after` is null where the request
 *   ends the object; `patch` still says what it set last.
 * - `projection`: what the request does to the object as it is, which the review does not show whole: `apply` gives the body after it,
 *   or null where the request ends the object.
 * - `scale`: another number of replicas. Which field keeps it is told to `apply`: the definition of the type says it.
 * - `act`: nothing that has a state.
 */
export type Meaning =
  | { kind: 'state'; before: Seen | null; after: JsonObject | null; patch: Patch }
  | { kind: 'projection'; apply: (body: JsonObject) => JsonObject | null }
  | ({ kind: 'scale'; apply: (body: JsonObject, replicasPath: readonly string[]) => JsonObject } & ScaleRequest)
  | { kind: 'act' };

/** The number of replicas before a request to scale, null where the review does not tell it, and the one that it asks for. */
export interface ScaleRequest {
  from: number | null;
  to: number;
}

export interface Interpretation {
  /** The uid is '' where the review does not tell it: an act on a name. The kind is '' where only a part is shown. */
  object: ObjectRef;
  manager: string;
  baseResourceVersion: string;
  options: Json;
  meaning: Meaning;
}

/** Where most kinds keep what their `scale` subresource sets. */
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
      // What an act carries is not the object: its uid, where it has one, is its own.
      uid: meaning.kind === 'act' && !whole ? '' : metadataText(known, 'uid'),
    },
    manager,
    baseResourceVersion: review.oldObject?.resourceVersion ?? '',
    options: requestOptions(review, whole, isServerSideApply(manager, ...managers)),
    meaning,
  };
}

/** True where the review's bodies are the object itself; false for the parts that some subresources take. */
export function carriesWholeObject(review: Review): boolean {
  if (review.operation === 'CONNECT') return false;
  if (review.subresource === '') return true;
  return review.operation === 'UPDATE' && !isScale(review);
}

function isScale(review: Review): boolean {
  return review.subresource === 'scale' && review.kind.kind === 'Scale';
}

/** Of the object. Requests about a Namespace name it as their namespace too, though it is in none. */
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
  // The object that ends is not shown, only named.
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

/** What a Scale asks for, or shows. Go leaves out a zero. */
function replicasOf({ spec }: JsonObject): number {
  return isObject(spec) && typeof spec.replicas === 'number' ? spec.replicas : 0;
}

/** The object with another number of replicas; a new generation, where that changes its spec. */
export function scaled(body: JsonObject, path: readonly string[], replicas: Json): JsonObject {
  if (valueAt(body, path) === replicas) return body;
  const metadata = metadataOf(body);
  const generation = metadata.generation;
  const bumped = typeof generation === 'number' ? { ...metadata, generation: generation + 1 } : metadata;
  return setAt({ ...body, metadata: bumped }, path, replicas);
}

/**
 * The pod on its node: pkg/registry/core/pod/storage, assignPod. The binding's annotations and labels go over to the
 * pod, and it is marked as scheduled.
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
 * The options of the request, and what a partial body asked for: all that an act leaves behind. null where empty. That it
 * was a server-side apply is added: admission shows one as an update with an update's options.
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
    // `status` is the answer's place: a token, in a TokenRequest.
    const { kind: _, apiVersion: __, metadata: ___, status: ____, ...asked } = review.object.body;
    Object.assign(options, asked);
  }
  if (applied) Object.assign(options, { serverSideApply: true });
  return Object.keys(options).length === 0 ? null : options;
}
