import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import type { ObjectRef, Patch } from '../../../../shared/types.ts';
import type { NewChange, OutcomeReason } from '../../../ledger/port/port.ts';
import { bodilessFor } from '../bodiless/bodiless-acts.ts';
import { enclosingScopesOf } from './enclosing-scopes.ts';
import type { Draft } from '../objects/draft.ts';
import { believedOf, openOf, tipOf, type ObjectHead, type HeadVersion } from '../objects/object-head.ts';
import { lineageOf } from '../outcomes/settle.ts';

/*
 * How objects end, and attempts that never were: what is learned from something that is not there.
 */

/** Open attempts that are looked at at once. */
const PAGE = 500;

/**
 * The end of an object, as a fact: its open removal is committed, or a change without a user is recorded. `since`: it
 * was still there then (ms). `occurredAt`: when it ended (ms), where that is told long after.
 */
export async function observeGone(
  draft: Draft,
  object: ObjectRef,
  resourceVersion: string,
  reason: OutcomeReason,
  cause: number | null = null,
  since = 0,
  occurredAt?: number,
): Promise<void> {
  const head = await draft.head(object);
  const tip = tipOf(head);
  if (tip?.gone === true || (tip === null && head.versions.length === 0)) return;
  const open = openOf(head);
  const removal = open.find((version) => version.gone);
  if (removal !== undefined) {
    await settleAround(draft, head, removal, open);
    await draft.settle(object, removal, 'committed', reason, resourceVersion);
    return;
  }
  const last = believedOf(head);
  if (last === null) return;
  const marker =
    (await deletionMarker(draft, last)) ??
    (await bodilessFor(draft, object, 'DELETE', last.at)) ??
    (await containerMarker(draft, object));
  await settleAround(draft, head, last, open);
  if (last.outcome === 'pending') await draft.settle(object, last, 'committed', 'a later version holds what it set');
  const end = await draft.add({
    ...{ object, occurredAt },
    operation: 'DELETE',
    subresource: '',
    source: 'watch',
    actor: null,
    manager: '',
    effect: 'deleted',
    late: false,
    baseResourceVersion: last.resourceVersion,
    resourceVersion,
    reviewUid: '',
    base: last,
    body: null,
    patch: [{ op: 'remove', path: '' }],
    detail: { cause: cause ?? marker, notBefore: Math.max(last.at, since) },
  });
  await endContents(draft, object, end.seq, resourceVersion);
}

/** Settles the attempts beside the version that an object ended in: those it was made from were persisted. */
async function settleAround(
  draft: Draft,
  head: ObjectHead,
  last: HeadVersion,
  open: readonly HeadVersion[],
): Promise<void> {
  const line = lineageOf(last, open);
  for (const version of open) {
    if (version.seq === last.seq) continue;
    if (line.includes(version)) {
      await draft.settle(head.object, version, 'committed', 'a later version holds what it set');
    } else {
      await draft.settle(head.object, version, 'dropped', 'the object was deleted first');
    }
  }
}

/**
 * The end of an object that follows from something else: a successor, its namespace's end, its definition's. One whose
 * creation nothing has confirmed never existed.
 */
export async function endBy(
  draft: Draft,
  object: ObjectRef,
  reason: OutcomeReason,
  cause: number | null,
  resourceVersion = '',
  occurredAt?: number,
): Promise<void> {
  const head = await draft.head(object);
  const open = openOf(head);
  const confirmed = tipOf(head) !== null || open.some((version) => version.gone);
  if (confirmed) return observeGone(draft, object, resourceVersion, reason, cause, 0, occurredAt);
  for (const version of open) await draft.settle(object, version, 'dropped', reason);
}

/**
 * A request that ends an object shows that it was still there: what was asked to be created under its name before then
 * was refused.
 */
export async function dropRivals(draft: Draft, object: ObjectRef): Promise<void> {
  for (const other of await draft.incarnations(object)) {
    if (other.uid === object.uid) continue;
    const head = await draft.head(other);
    if (tipOf(head) !== null) continue;
    for (const version of openOf(head))
      await draft.settle(other, version, 'dropped', 'an object of the same name existed');
  }
}

/** The end of something that holds others: they end with it, without a review each. */
export interface Ending {
  /** What ends: the objects of a type, or what is in a namespace. */
  filter: { type: { group: string; resource: string } } | { namespace: string };
  reason: OutcomeReason;
  /** The change that is the cause. What was recorded after it is not concerned: the same name may be used again. */
  cause: number;
  /** That of the end, where it is known. */
  resourceVersion: string;
  /** The object after which to go on; undefined at the beginning. */
  after?: number;
}

/** An object has ended, by the change `cause`: ends what it holds. Where that is much, the rest follows in jobs of its own. */
export async function endContents(
  draft: Draft,
  object: ObjectRef,
  cause: number,
  resourceVersion: string,
): Promise<void> {
  const ending = endingOf(object, cause, resourceVersion);
  const rest = ending === null ? null : await endPage(draft, ending);
  if (rest !== null) draft.endings.push(rest);
}

/**
 * What ends with an object; null where nothing does. The end of a definition ends its objects. The end of a namespace
 * comes when all in it is gone: what was not deleted by then never existed.
 */
export function endingOf(object: ObjectRef, cause: number, resourceVersion: string): Ending | null {
  if (object.group === 'apiextensions.k8s.io' && object.resource === 'customresourcedefinitions') {
    const [resource = '', ...group] = object.name.split('.');
    const type = { group: group.join('.'), resource };
    return { filter: { type }, reason: 'its definition is gone', cause, resourceVersion };
  }
  if (object.group === '' && object.resource === 'namespaces') {
    return { filter: { namespace: object.name }, reason: 'its namespace is gone', cause, resourceVersion };
  }
  return null;
}

/** Ends some of what an ending concerns. Returns what is left of it; null where that is nothing. */
export async function endPage(draft: Draft, ending: Ending): Promise<Ending | null> {
  const { filter, reason, cause, resourceVersion } = ending;
  const occurredAt = await toldLate(draft, cause);
  const { objects, next } = await draft.store.mayExist(filter, ending.after);
  const unstored = next === null ? draft.unstored.filter((object) => isIn(object, filter)) : [];
  for (const { group, resource, kind, namespace, name, uid } of [...objects, ...unstored]) {
    const object = { group, resource, kind, namespace, name, uid };
    const [newest] = (await draft.head(object)).versions;
    // An end that is told of long after it happened: what was made or changed since is in a namespace of the same name.
    if (newest !== undefined && occurredAt !== undefined && newest.at > occurredAt) continue;
    if (newest === undefined || newest.seq < cause)
      await endBy(draft, object, reason, cause, resourceVersion, occurredAt);
  }
  return next === null ? null : { ...ending, after: next };
}

/** When a change happened (ms), where that is before the ledger was told of it; undefined otherwise. */
async function toldLate(draft: Draft, seq: number): Promise<number | undefined> {
  const { at, occurredAt } = await draft.change(seq);
  return occurredAt !== undefined && occurredAt < at ? occurredAt : undefined;
}

function isIn(object: ObjectRef, filter: Ending['filter']): boolean {
  if ('namespace' in filter) return object.namespace === filter.namespace;
  return object.group === filter.type.group && object.resource === filter.type.resource;
}

/** An object that a whole list at a version does not have. One that was only asked for since may still come. */
export async function observeAbsent(
  draft: Draft,
  object: ObjectRef,
  resourceVersion: string,
  since: number,
): Promise<void> {
  const tip = tipOf(await draft.head(object));
  if (tip === null || tip.gone) return;
  const known = tip.resourceVersion;
  if (known !== '' && compareResourceVersions(known, resourceVersion) > 0) return;
  await observeGone(draft, object, resourceVersion, 'the watch shows it', null, since);
}

/** An attempt that nothing has settled: on what, made when (ms), and what was last known to be persisted. */
export interface OpenAttempt {
  object: ObjectRef;
  at: number;
  tip: HeadVersion | null;
}

/** Drops the open attempts, from a seq on, of which `covered` says that they would have been seen by now; returns the rest. */
export async function dropUnseen(
  draft: Draft,
  covered: (attempt: OpenAttempt) => boolean,
  fromSeq: number,
): Promise<OpenAttempt[]> {
  const left: OpenAttempt[] = [];
  for (let from = fromSeq; ;) {
    const page = await draft.store.openAttempts(from, PAGE);
    for (const { object, seq, at } of page) {
      const head = await draft.head(object);
      const version = openOf(head).find((candidate) => candidate.seq === seq);
      // Settled by a job whose commit is still to come.
      if (version === undefined) continue;
      const attempt = { object, at, tip: tipOf(head) };
      if (!covered(attempt)) left.push(attempt);
      else {
        const reason = version.gone ? 'the object still exists' : 'the watch never showed it';
        await draft.settle(object, version, 'dropped', reason);
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return left;
    from = last.seq + 1;
  }
}

/** The recorded request that set the deletionTimestamp of a version's line; null where none is known. */
async function deletionMarker(draft: Draft, last: HeadVersion): Promise<number | null> {
  for (let seq: number | null = last.seq; seq !== null;) {
    const change: NewChange = await draft.change(seq);
    if (setsDeletionTimestamp(change.detail.patch)) return change.source === 'admission' ? seq : change.detail.cause;
    if (change.bodySnapshot !== null) return null;
    seq = change.parent;
  }
  return null;
}

/** The recorded request that deletes what the object is in: the API server takes it along, without a review. */
async function containerMarker(draft: Draft, object: ObjectRef): Promise<number | null> {
  for (const container of enclosingScopesOf(object)) {
    const [known] = await draft.incarnations(container);
    const version = known === undefined ? null : believedOf(await draft.head(known));
    const marker = version === null || version.gone ? null : await deletionMarker(draft, version);
    if (marker !== null) return marker;
  }
  return null;
}

/** True where a patch marks the object for deletion. */
export function setsDeletionTimestamp(patch: Patch): boolean {
  return patch.some(({ op, path }) => op === 'add' && path === '/metadata/deletionTimestamp');
}
