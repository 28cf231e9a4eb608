import { interpret, type Interpretation, type Meaning, type Seen } from '../../shared/interpret.ts';
import { diff, hashBody } from '../../shared/patch.ts';
import { apiVersionOf } from '../../shared/normalise.ts';
import { compareResourceVersions } from '../../shared/resource-version.ts';
import type { Review } from '../../shared/review.ts';
import type { JsonObject, ObjectRef, Patch } from '../../shared/types.ts';
import type { ChangeInput, Draft } from './draft.ts';
import { believedOf, tipOf, versionOf, type Head, type HeadVersion } from './head.ts';
import { dropRivals, endContents } from './ending.ts';
import { begin, observe } from './observe.ts';
import { replicasPath } from './scale.ts';

type State = Extract<Meaning, { kind: 'state' }>;
type Projection = Extract<Meaning, { kind: 'projection' }>;
type ScaleMeaning = Extract<Meaning, { kind: 'scale' }>;

/** How many changes back the version is looked for that a late review was made from. */
const LATE_SEARCH = 200;

/** Adds to a draft what a review without confidential values says: what was before it, and what it asks for. */
export async function captureReview(draft: Draft, review: Review): Promise<'recorded' | 'unchanged'> {
  const interpretation = interpret(review, draft.at);
  const { meaning } = interpretation;
  switch (meaning.kind) {
    case 'state':
      return captureState(draft, review, interpretation, meaning);
    case 'projection':
    case 'scale':
      return captureProjection(draft, review, interpretation, meaning);
    case 'act':
      return captureAct(draft, review, interpretation);
  }
}

async function captureState(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  { before, after, patch }: State,
): Promise<'recorded' | 'unchanged'> {
  const { object } = interpretation;
  const base = before === null ? null : await baseOf(draft, object, before);
  if (patch.length === 0) return 'unchanged';
  const on = before === null || base === null ? { patch } : await patchOn(draft, base, before, patch);
  if (on.patch.length === 0) return 'unchanged';
  const past = base === null ? null : await pastOf(draft, object, base, after);
  const version = await draft.add({
    ...requested(review, interpretation, {
      effect: after === null ? 'deleted' : before === null ? 'created' : 'modified',
      late: past?.late ?? false,
      base,
      body: after,
      patch: on.patch,
      detail: { options: interpretation.options, ...(on.base === undefined ? {} : { base: on.base }) },
    }),
    own: patch,
  });
  if (past !== null) await settlePast(draft, object, version, past);
  if (version.gone) await endRest(draft, object, version);
  return 'recorded';
}

/** What a request that ends an object tells of others. */
async function endRest(draft: Draft, object: ObjectRef, { seq }: HeadVersion): Promise<void> {
  await dropRivals(draft, object);
  await endContents(draft, object, seq, '');
}

/**
 * The patch from the body that is stored of a version. Mostly the review's own: the version was found by its
 * resourceVersion, and that means the same body. Where it is not, `base` is what leads to the review's: in another API version, by
 * a definition that has other defaults and fields since, or after a restore of etcd, which gives versions out again. A patch on
 * top of another body would tell of a state that never was.
 */
async function patchOn(
  draft: Draft,
  version: HeadVersion,
  before: Seen,
  patch: Patch,
): Promise<{ patch: Patch; base?: Patch }> {
  const hash = hashBody(before.body);
  if (version.hash !== null && hash !== null && version.hash.equals(hash)) return { patch };
  const base = diff(await draft.body(version.seq), before.body);
  return base.length === 0 ? { patch } : { patch: [...base, ...patch], base };
}

/** The version that a review was made from. Its old object is taken in as the fact that it is. */
async function baseOf(draft: Draft, object: ObjectRef, seen: Seen): Promise<HeadVersion> {
  const version = await observe(draft, { object, seen, reason: 'the next review of the object shows it' });
  if (version !== null) return version;
  // Newer versions are known: the review was held up on its way to us.
  const isIt = ({ resourceVersion, apiVersion }: HeadVersion): boolean =>
    resourceVersion === seen.resourceVersion && apiVersion === apiVersionOf(seen.body);
  const known = remembered(await draft.head(object)).find(isIt) ?? (await stored(draft, object)).find(isIt);
  return known ?? begin(draft, object, seen, true);
}

/** The committed versions of an object that a late review may have been made from, newest first. */
function remembered({ versions, past }: Head): HeadVersion[] {
  return [...versions, ...past].filter(({ outcome }) => outcome === 'committed');
}

/** The same from the store, further back. */
async function stored(draft: Draft, object: ObjectRef): Promise<HeadVersion[]> {
  const history = await draft.history(object, LATE_SEARCH);
  return history.filter(({ outcome }) => outcome === 'committed').map((change) => versionOf(change, change.outcome));
}

/** A review that was held up: what has been recorded meanwhile on top of the version that it was made from. */
interface Past {
  /** The change without a user that it turns out to be. */
  explained: HeadVersion | undefined;
  late: boolean;
}

async function pastOf(
  draft: Draft,
  object: ObjectRef,
  base: HeadVersion,
  after: JsonObject | null,
): Promise<Past | null> {
  const head = await draft.head(object);
  const tip = tipOf(head);
  if (tip === null || tip.seq === base.seq) return null;
  if (compareResourceVersions(base.resourceVersion, tip.resourceVersion) >= 0) return null;
  const hash = hashBody(after);
  const near = remembered(head);
  // What came after a version that is remembered is remembered too.
  const since = near.some(({ seq }) => seq === base.seq) ? near : await stored(draft, object);
  const explained = since.find(
    (version) =>
      version.parent === base.seq &&
      version.observed &&
      (hash === null ? version.gone : version.hash?.equals(hash) === true),
  );
  return { explained, late: explained?.seq !== tip.seq };
}

/** The API server waits for our answer: what it has persisted meanwhile was another request, unless it gave up waiting. */
async function settlePast(draft: Draft, object: ObjectRef, version: HeadVersion, { explained }: Past): Promise<void> {
  if (explained !== undefined) {
    const reason = 'a review that arrived late explains it';
    await draft.settle(object, version, 'committed', reason, explained.resourceVersion);
    await draft.settle(object, explained, 'dropped', reason);
  } else {
    await draft.settle(object, version, 'dropped', 'another change was made from the same version');
  }
}

/** What a part of an object sets on it, as it is. */
async function captureProjection(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  meaning: Projection | ScaleMeaning,
): Promise<'recorded' | 'unchanged'> {
  const object = await incarnationOf(draft, interpretation.object);
  const version = believedOf(await draft.head(object));
  const body = version === null || version.gone ? null : await draft.body(version.seq);
  // Of an object that was never seen whole no state can follow: what was asked for is kept with the act.
  if (version === null || body === null) return captureAct(draft, review, interpretation);
  const projected = { ...interpretation, object };
  const path = meaning.kind === 'scale' ? await replicasPath(draft, object, apiVersionOf(body)) : [];
  if (path === null) return captureUnknownScale(draft, review, projected, version, body);
  const after = meaning.apply(body, path);
  const patch = diff(body, after);
  const isDelete = review.operation === 'DELETE';
  // Who asked again for a deletion that is under way is worth knowing, and changes nothing.
  if (patch.length === 0) return isDelete ? captureAct(draft, review, interpretation) : 'unchanged';
  const added = await draft.add(
    requested(review, projected, {
      effect: after === null ? 'deleted' : 'modified',
      late: false,
      base: version,
      body: after,
      patch,
      detail: isDelete ? { options: interpretation.options } : {},
    }),
  );
  if (added.gone) await endRest(draft, object, added);
  return 'recorded';
}

/** Who wanted which number is known; what the object became by it is told by whatever shows it next. */
async function captureUnknownScale(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  base: HeadVersion,
  body: JsonObject,
): Promise<'recorded' | 'unchanged'> {
  const { meaning, options } = interpretation;
  if (meaning.kind !== 'scale' || meaning.from === meaning.to) return 'unchanged';
  const scale = { from: meaning.from, to: meaning.to };
  const detail = { options, scale };
  await draft.add({
    ...requested(review, interpretation, { effect: 'modified', late: false, base, body, patch: [], detail }),
    unknown: true,
  });
  return 'recorded';
}

async function captureAct(draft: Draft, review: Review, interpretation: Interpretation): Promise<'recorded'> {
  const object = await incarnationOf(draft, interpretation.object);
  const { options } = interpretation;
  await draft.add(
    requested(
      review,
      { ...interpretation, object },
      { effect: 'none', late: false, base: null, body: null, patch: [], detail: { options } },
    ),
  );
  return 'recorded';
}

/** The object that a name means now: an act does not tell the uid, a part does not tell the kind. */
export async function incarnationOf(draft: Draft, object: ObjectRef): Promise<ObjectRef> {
  const known = await draft.incarnations(object);
  return (object.uid === '' ? known[0] : known.find(({ uid }) => uid === object.uid)) ?? object;
}

/** What a change says that a request made, `what` being what it came to. */
export function requested(
  review: Review,
  { object, manager, baseResourceVersion }: Omit<Interpretation, 'meaning'>,
  what: Pick<ChangeInput, 'effect' | 'late' | 'base' | 'body' | 'patch' | 'detail'>,
): ChangeInput {
  return {
    object,
    operation: review.operation,
    subresource: review.subresource,
    source: 'admission',
    actor: review.actor,
    manager,
    effect: what.effect,
    late: what.late,
    baseResourceVersion,
    resourceVersion: '',
    reviewUid: review.uid,
    base: what.base,
    body: what.body,
    patch: what.patch,
    detail: what.detail,
  };
}
