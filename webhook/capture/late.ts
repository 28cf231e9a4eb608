import type { Seen } from '../../shared/interpret.ts';
import { apiVersionOf } from '../../shared/normalise.ts';
import { diff, hashBody } from '../../shared/patch.ts';
import { compareResourceVersions } from '../../shared/resource-version.ts';
import { DISPUTED, type JsonObject, type ObjectRef } from '../../shared/types.ts';
import { EXPLAINED_LATE, type NewChange } from '../store/port.ts';
import { amendmentOf, isFilledIn } from './as-shown.ts';
import type { Draft } from './draft.ts';
import { isUnknown, tipOf, type HeadVersion } from './head.ts';
import { holds } from './holds.ts';
import { begin, observe } from './observe.ts';
import { resolveScales } from './scale.ts';
import { labelSteps } from '../store/labels.ts';

/*
 * Reviews that are read after the API server has shown what they came to: the server had stopped for a while, or the review was
 * held up on its way. What the watch showed first stays as the fact that it is; the review explains it: docs/decisions/0045.
 */

/** How many changes back it is looked for what a late review was made from. */
const LATE_SEARCH = 200;

/** The version that a review was made from. `isPast`: a newer version of the object is known. */
export interface BaseVersion {
  version: HeadVersion;
  isPast: boolean;
}

/** The version that a review was made from. Its old object is taken in as the fact that it is. */
export async function baseOf(draft: Draft, object: ObjectRef, seen: Seen): Promise<BaseVersion> {
  const shown = await observe(draft, { object, seen, reason: 'the next review of the object shows it' });
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
    const isOlder = first === null || compareResourceVersions(version.resourceVersion, first.resourceVersion) < 0;
    // What a watch showed, rather than the review that explains it.
    if (isOlder || (first?.resourceVersion === version.resourceVersion && version.observed)) first = version;
  }
  return first;
}

/**
 * Settles a late review (`review`, which is in the draft), by the version `next` that came after the one that it was made from. Where
 * that is what it asked for, it explains it; where it only holds that, the rest is a difference of its own. `isCreation`: its uid
 * tells that it was persisted. null: nothing is known to have come after.
 */
export async function settleLate(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion | null,
  isCreation: boolean,
): Promise<void> {
  const lost = 'another change was made from the same version';
  if (next !== null && (!next.observed || next.explained)) {
    await settleRival(draft, object, review, next);
    return;
  }
  if (next === null) {
    await draft.settle(object, review, 'dropped', lost);
    return;
  }
  if (next.gone || review.gone) {
    if (next.gone && review.gone) await explain(draft, object, review, next);
    else await draft.settle(object, review, 'dropped', next.gone ? 'the object was deleted first' : lost);
    return;
  }
  const shown = await draft.body(next.seq);
  if (shown === null) return;
  if (isUnknown(review)) {
    const base = review.parent === null ? null : await draft.body(review.parent);
    const scale = base === null ? null : await scaleOf(draft, review, shown);
    if (scale === null) return;
    await explain(draft, object, review, next, scale);
    return;
  }
  const after = await draft.body(review.seq);
  const rest = diff(after, shown);
  if (rest.length === 0) {
    await explain(draft, object, review, next);
    return;
  }
  const { managersHint } = (await draft.change(next.seq)).detail;
  const { manager, detail } = await draft.change(review.seq);
  const isTranslated = apiVersionOf(after) !== next.apiVersion;
  // Read late itself, the watch named nobody: entries are older than the moment from which it looked.
  const mayBe = isCreation || managersHint.length === 0 || managersHint.includes(manager);
  const isOwn = mayBe && (isTranslated ? managersHint.length > 0 : isFilledIn(rest, review, detail.patch));
  const amendment = isOwn && labelSteps(rest).length === 0 ? amendmentOf(rest, shown) : null;
  if (amendment !== null) {
    await explain(draft, object, review, next, amendment);
    return;
  }
  const before = review.parent === null ? {} : ((await draft.body(review.parent)) ?? {});
  if (!isCreation && !isOwn && (after === null || !holds(before, after, shown, review.projected))) {
    await draft.settle(object, review, 'dropped', lost);
    return;
  }
  await explainPart(draft, object, review, next, shown, isOwn);
}

/** A version that somebody's review has explained already: two that ask for the same in different names are told as a dispute. */
async function settleRival(draft: Draft, object: ObjectRef, review: HeadVersion, next: HeadVersion): Promise<void> {
  const known = await draft.known(object, LATE_SEARCH);
  const maker = known.find(
    (one) => !one.observed && one.outcome === 'committed' && one.resourceVersion === next.resourceVersion,
  );
  const isSame = maker?.hash === null ? review.gone : maker?.hash?.equals(review.hash ?? Buffer.alloc(0)) === true;
  const userOf = async (seq: number): Promise<string | undefined> => (await draft.change(seq)).actor?.username;
  if (maker === undefined || !isSame || review.gone || (await userOf(maker.seq)) === (await userOf(review.seq))) {
    await draft.settle(object, review, 'dropped', 'another change was made from the same version');
    return;
  }
  await draft.settle(object, review, 'unverified', DISPUTED);
  await draft.settle(object, maker, 'committed', DISPUTED, maker.resourceVersion);
}

async function scaleOf(draft: Draft, review: HeadVersion, shown: JsonObject) {
  const found = await resolveScales(draft, [review], shown);
  return found?.at(-1)?.amendment ?? null;
}

/** What was shown is what the review asked for. */
async function explain(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion,
  amendment?: Parameters<Draft['settle']>[5],
): Promise<void> {
  await draft.settle(object, review, 'committed', EXPLAINED_LATE, next.resourceVersion, amendment);
  await draft.settle(object, next, 'committed', EXPLAINED_LATE, next.resourceVersion);
}

/** It is in what was shown, which has more: that is told again, as made from it. */
async function explainPart(
  draft: Draft,
  object: ObjectRef,
  review: HeadVersion,
  next: HeadVersion,
  shown: JsonObject,
  isOwn: boolean,
): Promise<void> {
  const before = await draft.body(review.seq);
  const { detail, at }: NewChange = await draft.change(next.seq);
  await draft.settle(object, review, 'committed', 'a later version holds what it set');
  await draft.settle(object, next, 'committed', EXPLAINED_LATE, next.resourceVersion);
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
    base: review,
    body: shown,
    patch: diff(before, shown),
    detail: { cause: isOwn ? review.seq : null, notBefore: detail.notBefore ?? at, managersHint: detail.managersHint },
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
