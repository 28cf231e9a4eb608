import type { Seen } from '../../../../shared/interpret.ts';
import { apiVersionOf } from '../../../../shared/normalise.ts';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { DISPUTED, type JsonObject, type ObjectRef, type Patch } from '../../../../shared/types.ts';
import { isOwnVersion, LATE_SEARCH, rivalOf, settleRival, settleRivalsOf } from './rivals.ts';
import { EXPLAINED_LATE, type NewChange } from '../../../ledger/port/port.ts';
import { amendmentOf } from '../outcomes/as-shown.ts';
import type { Amendment } from '../../../ledger/content/payload.ts';
import type { Draft } from '../objects/draft.ts';
import { isUnknown, tipOf, type HeadVersion } from '../objects/object-head.ts';
import { holds } from '../objects/holds.ts';
import { reconcileFact } from '../outcomes/reconcile-fact.ts';
import { begin } from '../unexplained/unexplained.ts';
import { resolveScales } from '../objects/scale.ts';
import { labelSteps } from '../../../ledger/content/labels.ts';

/*
 * Reviews that are read after the API server has shown what they came to: the server had stopped for a while, or the review was
 * held up on its way. What the watch showed first stays as the fact that it is; the review explains it: docs/decisions/0045.
 */

/** The version that a review was made from. `isPast`: a newer version of the object is known. */
export interface BaseVersion {
  version: HeadVersion;
  isPast: boolean;
}

/** The version that a review was made from. Its old object is taken in as the fact that it is. */
export async function baseOf(draft: Draft, object: ObjectRef, seen: Seen): Promise<BaseVersion> {
  const shown = await reconcileFact(draft, { object, seen, reason: 'the next review of the object shows it' });
  const tip = tipOf(await draft.head(object));
  if (shown !== null) return { version: shown, isPast: false };
  const known = await draft.known(object, LATE_SEARCH);
  const version = await versionAt(draft, object, seen, known);
  return { version, isPast: tip !== null && version.seq !== tip.seq };
}

async function versionAt(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  known: readonly HeadVersion[],
): Promise<HeadVersion> {
  const apiVersion = apiVersionOf(seen.body);
  const at = known.find((one) => one.resourceVersion === seen.resourceVersion && one.apiVersion === apiVersion);
  if (at !== undefined) return at;
  // Only managedFields differ, or it is a late review's own version, of which no watch has told the number.
  const hash = hashBody(seen.body);
  const isSame = (one: HeadVersion): boolean =>
    one.apiVersion === apiVersion && hash !== null && one.hash?.equals(hash) === true;
  const notAfter = (one: HeadVersion): boolean =>
    one.resourceVersion === '' || compareResourceVersions(one.resourceVersion, seen.resourceVersion) < 0;
  const same = known.filter((one) => isSame(one) && notAfter(one));
  const found = same.find(({ outcome }) => outcome === 'committed') ?? same.find(({ late }) => late);
  if (found === undefined) return begin(draft, object, seen, true);
  if (found.observed || found.resourceVersion !== '') return found;
  const reason = 'the next review of the object shows it';
  return draft.settle(object, found, 'committed', reason, seen.resourceVersion);
}

/** The first version that is known of an object; null where the creation is still to come, or its review was the first to tell. */
export async function createdBefore(draft: Draft, object: ObjectRef): Promise<HeadVersion | null> {
  // Without a uid it may be another object of the same name.
  if (object.uid === '' || tipOf(await draft.head(object)) === null) return null;
  const known = await draft.known(object, LATE_SEARCH);
  return firstAfter(
    known.filter(({ parent, effect }) => parent === null && effect === 'created'),
    '',
  );
}

/** The version that an object was in at a resourceVersion; null where none so old is known. */
export async function lastUpTo(draft: Draft, object: ObjectRef, resourceVersion: string): Promise<HeadVersion | null> {
  let last: HeadVersion | null = null;
  for (const version of await draft.known(object, LATE_SEARCH)) {
    if (version.resourceVersion === '' || version.outcome !== 'committed') continue;
    if (compareResourceVersions(version.resourceVersion, resourceVersion) > 0) continue;
    if (last === null || compareResourceVersions(version.resourceVersion, last.resourceVersion) > 0) last = version;
  }
  return last;
}

/** The version of an object that came next after another one. */
export async function nextAfter(draft: Draft, object: ObjectRef, base: HeadVersion): Promise<HeadVersion | null> {
  const others = (await draft.known(object, LATE_SEARCH)).filter(({ seq }) => seq !== base.seq);
  return firstAfter(others, base.resourceVersion);
}

/** Of versions of which it is known when they were persisted, the oldest after a resourceVersion. */
function firstAfter(known: readonly HeadVersion[], resourceVersion: string): HeadVersion | null {
  let first: HeadVersion | null = null;
  for (const version of known) {
    if (version.resourceVersion === '' || version.outcome !== 'committed') continue;
    if (resourceVersion !== '' && compareResourceVersions(version.resourceVersion, resourceVersion) <= 0) continue;
    const order = first === null ? -1 : compareResourceVersions(version.resourceVersion, first.resourceVersion);
    if (first === null || order < 0 || (order === 0 && factRank(version) > factRank(first))) first = version;
  }
  return first;
}

/** Of several that stand for one version: what nobody has explained yet comes first, then what was shown. */
function factRank({ observed, explained }: HeadVersion): number {
  return observed ? (explained ? 1 : 2) : 0;
}

/**
 * Settles a late review (`review`, which is in the draft), by the version `next` that came after the one that it was made from. Where
 * that is what it asked for, it explains it; where it only holds that, the rest is a difference of its own. `isCreation`: its uid
 * tells that it was persisted. Where `next` does not tell, it stays open: there may have been others in between, which nothing
 * showed. null: nothing is known to have come after.
 */
export async function settleLate(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion | null,
  isCreation: boolean,
): Promise<void> {
  if (next === null) return;
  const rival = await rivalOf(draft, object, review, next);
  if (rival !== null || !next.observed || next.explained) {
    await settleRival(draft, object, review, rival, next);
    return;
  }
  if (next.gone || review.gone) {
    if (next.gone && review.gone) await explain(draft, object, review, next);
    else if (review.gone) await draft.settle(object, review, 'dropped', 'the object still exists');
    return;
  }
  const shown = await draft.body(next.seq);
  if (shown === null) return;
  const scale = isUnknown(review) ? await scaleOf(draft, review, shown) : null;
  if (isUnknown(review) && scale === null) return;
  const asked = scale?.body ?? (await draft.body(review.seq));
  const rest = diff(asked, shown);
  if (rest.length === 0) {
    await explain(draft, object, review, next, scale?.amendment);
    return;
  }
  const isTranslated = apiVersionOf(asked) !== apiVersionOf(shown);
  const isOwn = await isOwnVersion(draft, review, next, rest, isTranslated);
  const amendment = isOwn === 'proven' ? amendmentOf([...(scale?.amendment.patch ?? []), ...rest], shown) : null;
  if (amendment !== null && labelSteps(rest).length === 0) {
    await explain(draft, object, review, next, amendment);
    return;
  }
  if (!isCreation && isOwn === null && scale === null) {
    // Of another API version it is not known how it differs, nor what it holds.
    if (isTranslated) return;
    const before = review.parent === null ? {} : ((await draft.body(review.parent)) ?? {});
    if (asked === null || !holds(before, asked, shown, review.projected)) return;
  }
  await explainPart(draft, object, review, next, shown, rest, { isOwn: isOwn !== null, amendment: scale?.amendment });
}

async function scaleOf(draft: Draft, review: HeadVersion, shown: JsonObject) {
  const found = await resolveScales(draft, [review], shown);
  return found?.at(-1) ?? null;
}

/** What was shown is what the review asked for. */
async function explain(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion,
  amendment?: Amendment,
): Promise<void> {
  const reason = (await settleRivalsOf(draft, object, review)) ? DISPUTED : EXPLAINED_LATE;
  await draft.settle(object, review, 'committed', reason, next.resourceVersion, amendment);
  await draft.settle(object, next, 'committed', EXPLAINED_LATE, next.resourceVersion);
}

/** It is in what was shown, which has more (`rest`): that is told again, as made from it. `isOwn`: by the API server itself. */
async function explainPart(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion,
  shown: JsonObject,
  rest: Patch,
  { isOwn, amendment }: { isOwn: boolean; amendment: Amendment | undefined },
): Promise<void> {
  const { detail, at }: NewChange = await draft.change(next.seq);
  const reason = (await settleRivalsOf(draft, object, review)) ? DISPUTED : 'a later version holds what it set';
  const base = await draft.settle(object, review, 'committed', reason, '', amendment);
  await draft.settle(object, next, 'committed', EXPLAINED_LATE, next.resourceVersion);
  const managedFields = draft.managedFields(next.seq);
  await draft.add({
    object,
    operation: 'UPDATE',
    subresource: '',
    source: 'watch',
    actor: null,
    manager: '',
    effect: 'modified',
    late: true,
    baseResourceVersion: '',
    resourceVersion: next.resourceVersion,
    reviewUid: '',
    base,
    body: shown,
    patch: rest,
    detail: { cause: isOwn ? review.seq : null, notBefore: detail.notBefore ?? at, managersHint: detail.managersHint },
    ...(managedFields === undefined ? {} : { managedFields }),
  });
}

/**
 * The version in which what a request does came to an object, where it stands there already: one without the number of the version
 * that it was made from, such as a pod's binding. null where no watch showed that.
 */
export async function whereItCame(
  draft: Draft,
  object: ObjectRef,
  apply: (body: JsonObject) => JsonObject | null,
): Promise<{ base: HeadVersion; next: HeadVersion } | null> {
  const known = await draft.known(object, LATE_SEARCH);
  for (const next of known) {
    if (!next.observed || next.gone || next.parent === null) continue;
    const base = known.find(({ seq }) => seq === next.parent);
    if (base === undefined) return null;
    const [before, shown] = [await draft.body(base.seq), await draft.body(next.seq)];
    if (before === null || shown === null) continue;
    const after = apply(before);
    if (after !== null && diff(before, after).length > 0)
      return holds(before, after, shown, true) ? { base, next } : null;
  }
  return null;
}
