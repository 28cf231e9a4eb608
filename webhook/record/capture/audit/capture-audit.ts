import { afterDelete } from '../../../../shared/deletion.ts';
import { isObject, sameJson } from '../../../../shared/json.ts';
import { interpret, type Interpretation } from '../../../../shared/interpret.ts';
import { apiVersionOf, metadataOf, metadataText, type Normalised } from '../../../../shared/normalise.ts';
import { diff } from '../../../../shared/patch.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { GIVEN_UP, type Json, type JsonObject, type ObjectRef } from '../../../../shared/types.ts';
import type { NewChange } from '../../../ledger/port/port.ts';
import { incarnationOf } from '../objects/capture.ts';
import type { Draft } from '../objects/draft.ts';
import { believedOf, openOf, tipOf, type HeadVersion } from '../objects/object-head.ts';
import { replicasPath } from '../objects/scale.ts';
import { endContents } from '../endings/ending.ts';
import { lastUpTo } from '../late/late.ts';
import { reconcileFact, type Maker } from '../outcomes/reconcile-fact.ts';
import { madeBy } from '../unexplained/unexplained.ts';
import { dropAttempts } from '../outcomes/settle.ts';
import { isGivenUp, isRefused, type Audited, type AuditedRequest } from './audited-request.ts';
import { captureOlder } from './older.ts';
import { reviewOf } from './as-review.ts';
import { makerOf, tell } from './maker.ts';
import { reviewsOf, SKEW_MS } from './matching.ts';
import { endedBy, isNoOp } from './shown.ts';

/** Takes in a request of the audit log; confidential values have been replaced. */
export async function captureAudited(draft: Draft, request: AuditedRequest): Promise<Audited> {
  if (await draft.hasAudit(request.record.id)) return 'already there';
  if (isRefused(request)) return captureRefused(draft, request);
  if (request.items !== null) return captureCollection(draft, request, request.items);
  if (request.operation === 'DELETE' && request.subresource === '') return captureDeletion(draft, request);
  if (request.shown !== null && isWhole(request)) return captureShown(draft, request, request.shown);
  return capturePart(draft, request);
}

/** Whether what was answered is the object itself. */
function isWhole({ operation, subresource, shown }: AuditedRequest): boolean {
  if (shown === null || operation === 'CONNECT') return false;
  if (subresource === '') return true;
  return operation === 'UPDATE' && !(subresource === 'scale' && shown.body.kind === 'Scale');
}

/** A request that was answered with the object as it was then. */
async function captureShown(draft: Draft, request: AuditedRequest, shown: Normalised): Promise<Audited> {
  const object = { ...request.object, ...namesIn(shown, request.object) };
  const head = await draft.head(object);
  const tip = tipOf(head);
  const before = tip === null || tip.gone ? null : await draft.body(tip.seq);
  const order = orderOf(tip, request, shown);
  const isMarked = metadataOf(shown.body).deletionTimestamp !== undefined;
  if (request.operation === 'UPDATE' && isMarked && endedBy(order === 'older' ? null : before, shown.body, object)) {
    return captureEnd(draft, { ...request, object });
  }
  if (isNoOp(request, shown, tip === null ? null : tip.at)) {
    // It is a fact all the same.
    await reconcileFact(draft, { object, seen: shown, reason: 'the audit log shows it' });
    return 'unchanged';
  }
  const by = await makerOf(draft, request, object);
  if (order !== 'newer') {
    const result = await captureOlder(draft, request, object, shown, by, order === 'older');
    if (result !== null) return result;
  }
  const changes = draft.changes.length;
  const version = await reconcileFact(draft, { object, seen: shown, reason: 'the audit log shows it', by });
  if (version === null || version.seq === tip?.seq) return 'unchanged';
  tell(draft, request, version);
  return by.own.has(version.seq) || draft.changes.length === changes ? 'enriched' : 'recorded';
}

/** Whether what was answered is newer than the last version that is known. `unknown`: where nothing tells the number of that. */
function orderOf(
  tip: HeadVersion | null,
  { record }: AuditedRequest,
  shown: Normalised,
): 'older' | 'newer' | 'unknown' {
  if (tip === null) return 'newer';
  // What has ended never comes back.
  if (tip.gone) return 'older';
  if (tip.resourceVersion === '') return tip.at > record.answeredAt + SKEW_MS ? 'older' : 'unknown';
  return compareResourceVersions(shown.resourceVersion, tip.resourceVersion) > 0 ? 'newer' : 'older';
}

/** What a body calls its object. */
function namesIn({ body }: Normalised, { kind }: ObjectRef): Pick<ObjectRef, 'kind' | 'namespace' | 'name' | 'uid'> {
  return {
    kind: typeof body.kind === 'string' ? body.kind : kind,
    namespace: metadataText(body, 'namespace'),
    name: metadataText(body, 'name'),
    uid: metadataText(body, 'uid'),
  };
}

async function captureDeletion(draft: Draft, request: AuditedRequest): Promise<Audited> {
  const { shown } = request;
  if (shown !== null && !endedBy(null, shown.body, request.object)) return captureShown(draft, request, shown);
  const named = shown === null ? request.object : { ...request.object, ...namesIn(shown, request.object) };
  const object = await incarnationOf(draft, named);
  if (shown !== null || request.record.level === 'RequestResponse') return captureEnd(draft, { ...request, object });
  // It was not logged what was answered: what a deletion does to such an object is known, where the object is.
  const tip = believedOf(await draft.head(object));
  const body = tip === null || tip.gone ? null : await draft.body(tip.seq);
  if (body === null || afterDelete(body, object, request.options, request.record.answeredAt) === null) {
    return captureEnd(draft, { ...request, object });
  }
  return captureMarked(draft, { ...request, object }, body);
}

/** An object that a deletion marked, and that was not shown after it. */
async function captureMarked(draft: Draft, request: AuditedRequest, body: JsonObject): Promise<Audited> {
  const { object } = request;
  const enriched = await enrichOne(draft, request, object);
  if (enriched !== null) return enriched;
  const base = believedOf(await draft.head(object));
  const after = afterDelete(body, object, request.options, request.record.answeredAt);
  if (base === null || after === body) return 'unchanged';
  const version = await draft.add({
    ...common(object),
    ...madeBy(await makerOf(draft, request, object)),
    ...{ effect: 'modified', base, body: after, patch: diff(body, after) },
  });
  tell(draft, request, version);
  return 'recorded';
}

function common(object: ObjectRef) {
  return { object, late: false, resourceVersion: '', reviewUid: '' } as const;
}

/** The end of an object by a request. */
async function captureEnd(draft: Draft, request: AuditedRequest): Promise<Audited> {
  const { object } = request;
  const reviews = await reviewsOf(draft, request, object);
  const head = await draft.head(object);
  const removal = reviews.find(({ effect }) => effect === 'deleted');
  if (removal !== undefined) {
    const version = head.versions.find(({ seq }) => seq === removal.seq);
    if (version !== undefined && version.outcome !== 'committed') {
      await dropAttempts(
        draft,
        object,
        openOf(head).filter(({ seq }) => seq > version.seq && !version.gone),
      );
      await draft.settle(object, version, 'committed', 'the audit log shows it');
      await endContents(draft, object, version.seq, '');
    }
    tell(draft, request, { seq: removal.seq, resourceVersion: '' });
    return 'enriched';
  }
  const tip = tipOf(head);
  if (tip?.gone === true) {
    if (!tip.observed || (await draft.auditOf(tip.seq)) !== null) return 'unchanged';
    return (
      (await captureOlder(draft, request, object, null, await makerOf(draft, request, object), true)) ?? 'unchanged'
    );
  }
  const last = believedOf(head);
  if (last === null) return captureAct(draft, { ...request, object });
  for (const version of openOf(head)) {
    const isLast = version.seq === last.seq;
    await draft.settle(object, version, isLast ? 'committed' : 'dropped', isLast ? 'a later version holds what it set' : 'the object was deleted first'); // prettier-ignore
  }
  const end = await draft.add({
    ...common(object),
    ...madeBy(await makerOf(draft, request, object)),
    ...{ effect: 'deleted', base: last, body: null, patch: [{ op: 'remove', path: '' }] },
  });
  tell(draft, request, end);
  await endContents(draft, object, end.seq, '');
  return 'recorded';
}

/** Each object of a collection that was deleted, as it was before. */
async function captureCollection(draft: Draft, request: AuditedRequest, items: Normalised[]): Promise<Audited> {
  const results: Audited[] = [];
  for (const item of items) {
    const object = { ...request.object, ...namesIn(item, request.object) };
    const [review] = await reviewsOf(draft, request, object);
    if (review !== undefined) {
      // Of a pod two may have been sent, one after another: it is the last that ends it.
      await confirm(draft, request, review);
      results.push('enriched');
      continue;
    }
    const after = afterDelete(item.body, object, request.options, request.record.answeredAt);
    const one = { ...request, object };
    if (after === null) results.push(await captureEnd(draft, one));
    else {
      const tip = believedOf(await draft.head(object));
      const body = tip === null || tip.gone ? null : await draft.body(tip.seq);
      results.push(body === null ? await captureAct(draft, one) : await captureMarked(draft, one, body));
    }
  }
  return results.find((result) => result === 'recorded') ?? results[0] ?? 'unchanged';
}

/** The one review that is a request's. */
async function enrichOne(draft: Draft, request: AuditedRequest, object: ObjectRef): Promise<Audited | null> {
  const reviews = await reviewsOf(draft, request, object);
  const asked = reviews.length > 1 ? reviews.filter((review) => asksTheSame(review, request)) : [];
  const [review, ...others] = asked.length > 0 ? asked : reviews;
  if (review === undefined) return null;
  if (others.length > 0) return 'ambiguous';
  await confirm(draft, request, review);
  return 'enriched';
}

/** A review that is a request's which was not refused. */
async function confirm(draft: Draft, request: AuditedRequest, { seq, object, effect }: NewChange): Promise<void> {
  const version = effect === 'none' ? undefined : (await draft.head(object)).versions.find((one) => one.seq === seq);
  const shown = request.shown?.resourceVersion ?? '';
  if (version !== undefined && version.outcome !== 'committed') {
    await draft.settle(object, version, 'committed', 'the audit log shows it', shown);
  }
  const known = await draft.known(object, 1);
  const resourceVersion =
    shown || (version?.resourceVersion ?? known.find((one) => one.seq === seq)?.resourceVersion ?? '');
  tell(draft, request, { seq, resourceVersion });
}

/** A part of an object, an act, or a change that was not logged whole. */
async function capturePart(draft: Draft, request: AuditedRequest): Promise<Audited> {
  const review = reviewOf(request);
  const interpretation = review === null ? null : interpret(review, draft.at);
  const object = await incarnationOf(draft, request.object);
  const resourceVersion = request.shown?.resourceVersion ?? '';
  const past = resourceVersion === '' ? null : await pastOf(draft, object, resourceVersion);
  if (past !== null && past.resourceVersion === resourceVersion) {
    const { source, actor, subresource } = await draft.change(past.seq);
    const isOwn = source === 'admission' && subresource === request.subresource && actor?.username === request.actor.username; // prettier-ignore
    if (!isOwn) return 'unchanged';
    tell(draft, request, past);
    return 'enriched';
  }
  const enriched = past === null ? await enrichOne(draft, request, request.object) : null;
  if (enriched !== null) return enriched;
  const version = past ?? believedOf(await draft.head(object));
  const body = version === null || version.gone ? null : await draft.body(version.seq);
  // Laid over a newer state, it would undo what was set since: what it asked for is kept, and the state stays.
  const isOvertaken = past === null && version !== null && version.at > request.record.answeredAt + SKEW_MS;
  if (version === null || body === null || isOvertaken || interpretation?.meaning.kind === 'act') {
    return captureAct(draft, { ...request, object });
  }
  const after = interpretation === null ? null : await projected(draft, object, interpretation, body);
  const by = madeBy(await makerOf(draft, request, object));
  const late = past !== null;
  const when = late ? { occurredAt: Math.floor(request.record.answeredAt) } : {};
  if (after !== null) {
    const patch = diff(body, after);
    if (patch.length === 0) return 'unchanged';
    const made = await draft.add({
      ...{ ...common(object), late, resourceVersion, ...by, effect: 'modified', base: version, body: after, patch },
      ...when,
    });
    tell(draft, request, made);
    return 'recorded';
  }
  const made = await draft.add({
    ...{ ...common(object), late, resourceVersion, ...by, effect: 'modified', base: version, body, patch: [] },
    ...{ ...when, unknown: true },
    detail: { options: withAsked(by.detail.options, request) },
  });
  tell(draft, request, made);
  return 'recorded';
}

/** Of an object of which newer versions are known: the last one up to a version. */
async function pastOf(draft: Draft, object: ObjectRef, resourceVersion: string): Promise<HeadVersion | null> {
  const tip = tipOf(await draft.head(object));
  if (tip === null || compareResourceVersions(resourceVersion, tip.resourceVersion) > 0) return null;
  return lastUpTo(draft, object, resourceVersion);
}

/** Whether a review of an act has what the request asked for. */
function asksTheSame({ detail }: NewChange, { asked }: AuditedRequest): boolean {
  if (!isObject(asked) || !isObject(detail.options)) return false;
  const { options } = detail;
  const { kind: _kind, apiVersion: _version, metadata: _metadata, status: _status, ...rest } = asked;
  return isIn(rest, options);
}

/** Whether all that is set in what was sent is in what was reviewed: the API server fills in the rest before the review. */
function isIn(sent: Json, reviewed: Json | undefined): boolean {
  if (sent === null) return true;
  if (reviewed === undefined) return false;
  if (!isObject(sent) || !isObject(reviewed)) return sameJson(sent, reviewed);
  return Object.entries(sent).every(([key, value]) =>
    isIn(value, Object.hasOwn(reviewed, key) ? reviewed[key] : undefined),
  );
}

async function projected(
  draft: Draft,
  object: ObjectRef,
  { meaning }: Interpretation,
  body: JsonObject,
): Promise<JsonObject | null> {
  if (meaning.kind === 'projection') return meaning.apply(body);
  if (meaning.kind !== 'scale') return null;
  const path = await replicasPath(draft, object, apiVersionOf(body));
  return path === null ? null : meaning.apply(body, path);
}

function withAsked(options: Maker['options'], { asked }: AuditedRequest): Maker['options'] {
  return asked === null ? options : { ...(options as JsonObject | null), request: asked };
}

/** A request without a state of its own. */
async function captureAct(draft: Draft, request: AuditedRequest): Promise<Audited> {
  const by = madeBy(await makerOf(draft, request, request.object));
  const act = await draft.add({
    ...{ ...common(request.object), ...by, effect: 'none', base: null, body: null, patch: [] },
    detail: { options: withAsked(by.detail.options, request) },
  });
  tell(draft, request, act);
  return 'recorded';
}

/** Versions of an object that are looked at, back from the last one. */
const MAX_KNOWN = 500;

/** A request that was refused: the review that was sent for it is dropped, or it is an attempt that admission never saw. */
async function captureRefused(draft: Draft, request: AuditedRequest): Promise<Audited> {
  const object = await incarnationOf(draft, request.object);
  const told = isGivenUp(request)
    ? ({ outcome: 'unverified', reason: GIVEN_UP } as const)
    : ({ outcome: 'dropped', reason: 'the API server refused it' } as const);
  const persisted = new Set((await draft.known(object, MAX_KNOWN)).filter((one) => one.outcome === 'committed').map(({ seq }) => seq)); // prettier-ignore
  const [review, ...others] = (await reviewsOf(draft, request, object)).filter(({ seq }) => !persisted.has(seq));
  // What became of it will be seen.
  if (review !== undefined && isGivenUp(request)) return 'unchanged';
  if (review !== undefined) {
    for (const { seq } of [review, ...others]) {
      const version = openOf(await draft.head(review.object)).find((one) => one.seq === seq);
      if (version !== undefined) await draft.settle(review.object, version, told.outcome, told.reason);
    }
    tell(draft, request, { seq: review.seq, resourceVersion: '' }, told);
    return 'enriched';
  }
  const by = madeBy(await makerOf(draft, request, object));
  const attempt = await draft.add({
    ...{ ...common(object), ...by, effect: 'none', base: null, body: null, patch: [] },
    detail: { options: withAsked(by.detail.options, request) },
  });
  tell(draft, request, attempt, told);
  return 'refused';
}
