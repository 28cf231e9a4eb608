import { interpret, type Interpretation, type Meaning, type Seen } from '../../../../shared/interpret.ts';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { apiVersionOf } from '../../../../shared/normalise.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import type { Review } from '../../../../shared/review.ts';
import type { JsonObject, ObjectRef, Patch } from '../../../../shared/types.ts';
import type { ChangeInput, Draft } from './draft.ts';
import { believedOf, tipOf, type HeadVersion } from './object-head.ts';
import { dropRivals, endContents } from '../endings/ending.ts';
import { baseOf, createdBefore, lastUpTo, nextAfter, settleLate, whereItCame } from '../late/late.ts';
import { replicasPath } from './scale.ts';

type State = Extract<Meaning, { kind: 'state' }>;
type Projection = Extract<Meaning, { kind: 'projection' }>;
type ScaleMeaning = Extract<Meaning, { kind: 'scale' }>;

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
  const from = before === null ? null : await baseOf(draft, object, before);
  if (patch.length === 0) return 'unchanged';
  const base = from?.version ?? null;
  const on = before === null || base === null ? { patch } : await patchOn(draft, base, before, patch);
  if (on.patch.length === 0) return 'unchanged';
  const created = before === null ? await createdBefore(draft, object) : null;
  const late = created !== null || from?.isPast === true;
  const version = await draft.add({
    ...requested(review, interpretation, {
      effect: after === null ? 'deleted' : before === null ? 'created' : 'modified',
      late,
      base,
      body: after,
      patch: on.patch,
      detail: { options: interpretation.options, ...(on.base === undefined ? {} : { base: on.base }) },
    }),
    own: patch,
  });
  if (late) {
    const next = created ?? (base === null ? null : await nextAfter(draft, object, base));
    await settleLate(draft, object, version, next, created !== null);
  } else if (version.gone) await endRest(draft, object, version);
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

/** What a part of an object sets on it, as it is. */
async function captureProjection(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  meaning: Projection | ScaleMeaning,
): Promise<'recorded' | 'unchanged'> {
  const object = await incarnationOf(draft, interpretation.object);
  const head = await draft.head(object);
  const present = believedOf(head);
  const past = await pastOf(draft, object, interpretation);
  const version = past?.base ?? present;
  const body = version === null || version.gone ? null : await draft.body(version.seq);
  // Of an object that was never seen whole no state can follow: what was asked for is kept with the act.
  if (version === null || body === null) return captureAct(draft, review, interpretation);
  const projected = { ...interpretation, object };
  const path = meaning.kind === 'scale' ? await replicasPath(draft, object, apiVersionOf(body)) : [];
  if (path === null) return captureUnknownScale(draft, review, projected, version, body, past?.next ?? null);
  const apply = (to: JsonObject): JsonObject | null => meaning.apply(to, path);
  const isDelete = review.operation === 'DELETE';
  const after = apply(body);
  const patch = diff(body, after);
  // A pod that is on its node already: all that would change is the time of a condition.
  if (meaning.kind === 'projection' && !isDelete && patch.every(({ path }) => path.startsWith('/status/'))) {
    const came = await whereItCame(draft, object, apply);
    if (came !== null) return captureLatePart(draft, review, projected, came, apply);
  }
  // Who asked again for a deletion that is under way is worth knowing, and changes nothing.
  if (patch.length === 0) return isDelete ? captureAct(draft, review, interpretation) : 'unchanged';
  if (past !== null) return captureLatePart(draft, review, projected, past, apply);
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

/** Where a part was made from an older version than the last one that is known: that one, and the one that came next. */
async function pastOf(
  draft: Draft,
  object: ObjectRef,
  { baseResourceVersion }: Interpretation,
): Promise<{ base: HeadVersion; next: HeadVersion } | null> {
  const tip = tipOf(await draft.head(object));
  if (tip === null || baseResourceVersion === '') return null;
  if (compareResourceVersions(baseResourceVersion, tip.resourceVersion) >= 0) return null;
  const base = await lastUpTo(draft, object, baseResourceVersion);
  // The tip may have got a newer number, and be the same.
  const next = base === null || base.seq === tip.seq ? null : await nextAfter(draft, object, base);
  return base === null || next === null ? null : { base, next };
}

/** What a part of an object set on it, which had been shown before its review was read. */
async function captureLatePart(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  { base, next }: { base: HeadVersion; next: HeadVersion },
  apply: (body: JsonObject) => JsonObject | null,
): Promise<'recorded'> {
  const body = await draft.body(base.seq);
  const after = body === null ? null : apply(body);
  const added = await draft.add(
    requested(review, interpretation, {
      effect: after === null ? 'deleted' : 'modified',
      late: true,
      base,
      body: after,
      patch: diff(body, after),
      detail: {},
    }),
  );
  await settleLate(draft, interpretation.object, added, next, false);
  return 'recorded';
}

/** Who wanted which number is known; what the object became by it is told by whatever shows it next. */
async function captureUnknownScale(
  draft: Draft,
  review: Review,
  interpretation: Interpretation,
  base: HeadVersion,
  body: JsonObject,
  next: HeadVersion | null,
): Promise<'recorded' | 'unchanged'> {
  const { meaning, options, object } = interpretation;
  if (meaning.kind !== 'scale' || meaning.from === meaning.to) return 'unchanged';
  const scale = { from: meaning.from, to: meaning.to };
  const detail = { options, scale };
  const late = next !== null;
  const added = await draft.add({
    ...requested(review, interpretation, { effect: 'modified', late, base, body, patch: [], detail }),
    unknown: true,
  });
  if (late) await settleLate(draft, object, added, next, false);
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
    ...(review.object === null || review.subresource === 'scale' || review.subresource === 'binding'
      ? {}
      : { managedFields: review.object.managedFields }),
  };
}
