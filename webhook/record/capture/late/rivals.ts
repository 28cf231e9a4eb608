import { apiVersionOf } from '../../../../shared/normalise.ts';
import { diff } from '../../../../shared/patch.ts';
import { DISPUTED, type ObjectRef, type Patch } from '../../../../shared/types.ts';
import { correctsOwn, fillsIn, wroteLast } from '../outcomes/as-shown.ts';
import type { Draft } from '../objects/draft.ts';
import { isUnknown, type HeadVersion } from '../objects/object-head.ts';

/*
 * Late reviews that may have made the same version: docs/decisions/0046.
 */

/** How many changes back it is looked for what a late review was made from, and for its rivals. */
export const LATE_SEARCH = 200;

/**
 * Whether a fact shows the very version that a late review made, though with more than it asked for (`rest`). `proven`: each
 * entry of its managedFields was in the review. Where they are not remembered, only that no other manager is known to have written: two
 * users may have the same one, so that what came with it is told on its own.
 */
export async function isOwnVersion(
  draft: Draft,
  review: HeadVersion,
  next: HeadVersion,
  rest: Patch,
  isTranslated: boolean,
): Promise<'proven' | 'likely' | null> {
  const { manager, detail } = await draft.change(review.seq);
  if (correctsOwn(rest, review, detail.patch)) return 'proven';
  if (!isTranslated && !fillsIn(rest)) return null;
  const [fields, own] = [draft.managedFields(next.seq) ?? [], draft.managedFields(review.seq) ?? []];
  if (fields.length > 0 && own.length > 0)
    return (await wroteLast(draft, review, fields, isUnknown(review))) ? 'proven' : null;
  const { managersHint } = (await draft.change(next.seq)).detail;
  return managersHint.length > 0 && managersHint.every((name) => name === manager) ? 'likely' : null;
}

/** The review that was persisted as the version that came next after the one that a late review was made from; null where none is known. */
export async function rivalOf(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion,
): Promise<HeadVersion | null> {
  const isRival = (one: HeadVersion): boolean =>
    one.seq !== review.seq &&
    !one.observed &&
    one.outcome === 'committed' &&
    (one.resourceVersion === next.resourceVersion ||
      // What was predicted may have been made from a later version than it is built on.
      (review.parent !== null && one.parent === review.parent && !one.projected && !review.projected));
  return (await draft.known(object, LATE_SEARCH)).find(isRival) ?? null;
}

/** Another review made the version: where this one, in another name, may have made it too, that is told as a dispute. */
export async function settleRival(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  maker: HeadVersion | null,
  next: HeadVersion,
): Promise<void> {
  const isOther = maker !== null && (await userOf(draft, maker)) !== (await userOf(draft, review));
  if (!isOther || !(await mayHaveMade(draft, review, maker, next))) {
    await draft.settle(object, review, 'dropped', 'another change was made from the same version');
    return;
  }
  await draft.settle(object, review, 'unverified', DISPUTED);
  await draft.settle(object, maker, 'committed', DISPUTED, maker.resourceVersion);
}

async function userOf(draft: Draft, { seq }: HeadVersion): Promise<string | undefined> {
  return (await draft.change(seq)).actor?.username;
}

/** Whether a review asked for what another one is believed to have made, or for what was then shown, but for what the API server fills in. */
async function mayHaveMade(draft: Draft, review: HeadVersion, maker: HeadVersion, next: HeadVersion): Promise<boolean> {
  if (review.gone || maker.gone || next.gone) return false;
  if (maker.hash !== null && review.hash?.equals(maker.hash) === true) return true;
  if (isUnknown(review)) return false;
  const [asked, shown] = [await draft.body(review.seq), await draft.body(next.seq)];
  const isTranslated = apiVersionOf(asked) !== apiVersionOf(shown);
  const fields = [next, review].map(({ seq }) => draft.managedFields(seq) ?? []);
  // Of another API version it is not known how it differs; managedFields may tell.
  if (isTranslated && fields.some(({ length }) => length === 0)) return true;
  const rest = diff(asked, shown);
  return rest.length === 0 || (await isOwnVersion(draft, review, next, rest, isTranslated)) !== null;
}

/**
 * Settles late reviews that were made from the same version as one that was persisted. Returns whether one of them disputes it: of another
 * user, in another API version, of which it cannot be told whether it is what was persisted.
 */
export async function settleRivalsOf(draft: Draft, object: ObjectRef, review: HeadVersion): Promise<boolean> {
  const { seq, parent, projected, apiVersion } = review;
  if (projected || parent === null) return false;
  const { actor, baseResourceVersion } = await draft.change(seq);
  let disputed = false;
  for (const one of await draft.known(object, LATE_SEARCH)) {
    if (one.seq === seq || !one.late || one.outcome !== 'pending' || one.projected) continue;
    if (one.parent === parent) {
      await draft.settle(object, one, 'dropped', 'another change was made from the same version');
      continue;
    }
    const other = await draft.change(one.seq);
    const isSameBase = baseResourceVersion !== '' && other.baseResourceVersion === baseResourceVersion;
    if (!isSameBase || one.apiVersion === apiVersion || other.actor?.username === actor?.username) continue;
    disputed = true;
    await draft.settle(object, one, 'unverified', DISPUTED);
  }
  return disputed;
}
