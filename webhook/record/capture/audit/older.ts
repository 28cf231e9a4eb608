import type { Normalised } from '../../../../shared/normalise.ts';
import { diff, hashBody } from '../../../../shared/patch.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import { EXPLAINED_LATE } from '../../../ledger/port/port.ts';
import type { Draft } from '../objects/draft.ts';
import type { HeadVersion } from '../objects/object-head.ts';
import { lastUpTo, nextAfter } from '../late/late.ts';
import type { Maker } from '../outcomes/reconcile-fact.ts';
import { madeBy } from '../unexplained/unexplained.ts';
import type { AuditedRequest } from './audited-request.ts';
import type { Audited } from './audited-request.ts';
import { tell } from './maker.ts';
import { isRequest, reviewsOf } from './matching.ts';

/*
 * A request whose version is known already, or is older than the last one that is: the log was taken in later than what a watch
 * or reviews showed, or in another order than that of time.
 */

/** How many changes of an object are looked at, back from the last one. */
const SEARCH = 500;
/** So far from each other are a request and its review, where the version tells that they belong together (ms). */
const NEAR_MS = 60_000;

/**
 * `shown`: the object as it was answered; null where the request ended it. `isOlder`: false where only the known versions may tell that
 * it is one of them. null: it is not.
 */
export async function captureOlder(
  draft: Draft,
  request: AuditedRequest,
  object: ObjectRef,
  shown: Normalised | null,
  by: Maker,
  isOlder: boolean,
): Promise<Audited | null> {
  const known = await draft.known(object, SEARCH);
  const isIt = ({ gone, resourceVersion }: HeadVersion): boolean =>
    shown === null ? gone : !gone && resourceVersion !== '' && resourceVersion === shown.resourceVersion;
  const same = known.filter((version) => isIt(version) && !version.explained);
  for (const version of same) {
    if ((await draft.auditOf(version.seq)) !== null) return 'unchanged';
    if (version.observed) return explain(draft, request, object, version, by);
    const change = await draft.change(version.seq);
    // A number may have moved on to a version in which only managedFields differ.
    const isNear = Math.abs(change.at - request.record.answeredAt) <= NEAR_MS;
    if (!isRequest(change, request) || !isNear) continue;
    tell(draft, request, version);
    return 'enriched';
  }
  if (same.length > 0) return 'unchanged';
  const review = await persistedAs(draft, request, object, known, shown);
  if (review === 'several') return 'ambiguous';
  if (review !== null) {
    const resourceVersion = shown?.resourceVersion ?? '';
    const settled = await draft.settle(object, review, 'committed', 'the audit log shows it', resourceVersion);
    tell(draft, request, settled);
    return 'enriched';
  }
  if (!isOlder) return null;
  if (shown === null) return 'unchanged';
  // Only managedFields differ: no review is recorded of that, and no change.
  const hash = hashBody(shown.body);
  const last = await lastUpTo(draft, object, shown.resourceVersion);
  const isSame = (one: HeadVersion): boolean =>
    hash !== null && one.hash?.equals(hash) === true && one.outcome === 'committed';
  const unnumbered = known.filter((one) => isSame(one) && (one.seq === last?.seq || one.resourceVersion === ''));
  if (unnumbered.length > 0) return 'unchanged';
  return insert(draft, request, object, shown, by);
}

/** The review of a request, by what it asked for; of which it was not known yet as which version that was persisted. */
async function persistedAs(
  draft: Draft,
  request: AuditedRequest,
  object: ObjectRef,
  known: readonly HeadVersion[],
  shown: Normalised | null,
): Promise<HeadVersion | 'several' | null> {
  const reviews = new Set((await reviewsOf(draft, request, object)).map(({ seq }) => seq));
  const hash = shown === null ? null : hashBody(shown.body);
  const ofRequest = known.filter(({ seq }) => reviews.has(seq));
  const mayBe = ofRequest.filter(({ resourceVersion }) => resourceVersion === '');
  // The number of one may have moved on: only managedFields have changed since.
  const isLater = ({ resourceVersion }: HeadVersion): boolean =>
    resourceVersion === '' || compareResourceVersions(resourceVersion, shown?.resourceVersion ?? '') > 0;
  const exact = ofRequest.filter((one) => hash !== null && one.hash?.equals(hash) === true && isLater(one));
  // What was predicted of a deletion or a scale is a second off.
  const found = exact.length > 0 ? exact : mayBe.filter(({ projected }) => projected);
  const committed = found.filter(({ outcome }) => outcome === 'committed');
  const [one, ...others] = committed.length > 0 ? committed : found;
  return others.length > 0 ? 'several' : (one ?? null);
}

/** A list or a watch showed what a request made: the request is told in its place. */
async function explain(
  draft: Draft,
  request: AuditedRequest,
  object: ObjectRef,
  fact: HeadVersion,
  by: Maker,
): Promise<Audited> {
  const { parent, patch, isWhole } = await beforeOf(draft, object, fact);
  if (!isWhole && by.operation !== 'CREATE') {
    // What it changed is not known, only that it left the object like this.
    tell(draft, request, fact, { outcome: 'committed', reason: 'the audit log shows it' });
    return 'enriched';
  }
  const body = await draft.body(fact.seq);
  const effect = fact.gone ? 'deleted' : parent === null ? 'created' : 'modified';
  const { at } = await draft.change(fact.seq);
  const version = await draft.add({
    ...{ object, late: true, reviewUid: '', resourceVersion: fact.resourceVersion, ...madeBy(by) },
    ...(at < draft.at ? { occurredAt: Math.floor(request.record.answeredAt) } : {}),
    ...{ effect, base: parent, body, patch },
  });
  tell(draft, request, version);
  await draft.settle(object, fact, 'committed', EXPLAINED_LATE, fact.resourceVersion);
  return 'enriched';
}

/** What a fact was made from. `isWhole`: false where that is not known, and it only begins the record of the object. */
async function beforeOf(draft: Draft, object: ObjectRef, fact: HeadVersion) {
  const base = fact.parent === null ? await lastBefore(draft, object, fact) : null;
  if (base !== null) {
    const patch = diff(await draft.body(base.seq), await draft.body(fact.seq));
    return { parent: base, patch, isWhole: true };
  }
  const { detail } = await draft.change(fact.seq);
  const parent = fact.parent === null ? null : await versionOfSeq(draft, object, fact.parent);
  return { parent, patch: detail.patch, isWhole: fact.parent !== null };
}

async function versionOfSeq(draft: Draft, object: ObjectRef, seq: number): Promise<HeadVersion | null> {
  return (await draft.known(object, SEARCH)).find((version) => version.seq === seq) ?? null;
}

async function lastBefore(draft: Draft, object: ObjectRef, fact: HeadVersion): Promise<HeadVersion | null> {
  if (fact.resourceVersion === '') return null;
  const last = await lastUpTo(draft, object, fact.resourceVersion);
  return last === null || last.seq === fact.seq || last.gone ? null : last;
}

/** A version that nothing has told of, between two that are known, or before the first. */
async function insert(
  draft: Draft,
  request: AuditedRequest,
  object: ObjectRef,
  shown: Normalised,
  by: Maker,
): Promise<Audited> {
  const base = await lastUpTo(draft, object, shown.resourceVersion);
  const before = base === null || base.gone ? null : await draft.body(base.seq);
  if (before === null && by.operation !== 'CREATE') return insertUnknown(draft, request, object, shown, by);
  const patch = diff(before, shown.body);
  if (patch.length === 0) return 'unchanged';
  const version = await draft.add({
    ...{ object, late: true, reviewUid: '', resourceVersion: shown.resourceVersion, ...madeBy(by) },
    occurredAt: Math.floor(request.record.answeredAt),
    ...{
      effect: before === null ? ('created' as const) : ('modified' as const),
      base: before === null ? null : base,
      body: shown.body,
      patch,
    },
    managedFields: shown.managedFields,
  });
  tell(draft, request, version);
  await retell(draft, object, version, shown);
  return 'recorded';
}

/** The first that is known of an object now, by a request of which it cannot be told what it changed. */
async function insertUnknown(
  draft: Draft,
  request: AuditedRequest,
  object: ObjectRef,
  shown: Normalised,
  by: Maker,
): Promise<Audited> {
  const common = {
    object,
    late: true,
    reviewUid: '',
    resourceVersion: shown.resourceVersion,
    body: shown.body,
  } as const;
  const occurredAt = Math.floor(request.record.answeredAt);
  const base = await draft.add({
    ...{ ...common, occurredAt, operation: 'CREATE', subresource: '', source: 'baseline', actor: null, manager: '' },
    ...{ effect: 'created', baseResourceVersion: '', base: null, patch: diff(null, shown.body), detail: {} },
  });
  const version = await draft.add({ ...common, ...madeBy(by), occurredAt, effect: 'modified', base, patch: [] });
  tell(draft, request, version);
  await retell(draft, object, version, shown);
  return 'recorded';
}

/**
 * The version that came next was made from an older one, as far as was known: it is told again, as made from this one. Not where a review
 * tells of it, which shows what it was made from.
 */
async function retell(draft: Draft, object: ObjectRef, version: HeadVersion, shown: Normalised): Promise<void> {
  const next = await nextAfter(draft, object, version);
  if (next === null || next.gone || !next.observed || next.explained || next.resourceVersion === '') return;
  if (compareResourceVersions(next.resourceVersion, version.resourceVersion) <= 0) return;
  const body = await draft.body(next.seq);
  const { source, operation, subresource, actor, manager, baseResourceVersion, detail, occurredAt, at } = await draft.change(next.seq); // prettier-ignore
  const audit = await draft.auditOf(next.seq);
  const patch = diff(shown.body, body);
  const again = await draft.add({
    ...{ object, late: true, reviewUid: '', resourceVersion: next.resourceVersion, operation, subresource },
    ...{ source: source === 'baseline' ? 'watch' : source, actor, manager, baseResourceVersion, effect: 'modified' },
    ...{ base: version, body, patch, occurredAt: occurredAt ?? at },
    detail: { ...detail, notBefore: source === 'baseline' ? null : detail.notBefore },
  });
  await draft.settle(object, next, 'committed', EXPLAINED_LATE, next.resourceVersion);
  if (audit !== null) {
    const { outcome, reason } = { outcome: 'committed', reason: 'the audit log shows it' } as const;
    draft.attach({ seq: again.seq, outcome, reason, resourceVersion: next.resourceVersion, at: draft.at, audit });
  }
}
