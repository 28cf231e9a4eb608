import { compareResourceVersions } from '../../shared/resource-version.ts';
import type { ObjectRef, Patch } from '../../shared/types.ts';
import type { NewChange, ObjectFilter, OutcomeReason } from '../store/port.ts';
import { containersOf } from './containers.ts';
import type { Draft } from './draft.ts';
import { believedOf, openOf, tipOf, type Head, type HeadVersion } from './head.ts';
import { lineOf } from './settle.ts';

/*
 * How objects end, and attempts that never were: what is learned from something that is not there.
 */

/** Open attempts that are looked at at once. */
const PAGE = 500;

/**
 * The end of an object, as a fact: its open removal is committed, or a change without a user is recorded. `since`: it
 * was still there then (ms).
 */
export async function observeGone(
  draft: Draft,
  object: ObjectRef,
  resourceVersion: string,
  reason: OutcomeReason,
  cause: number | null = null,
  since = 0,
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
  const marker = (await deletionMarker(draft, last)) ?? (await containerMarker(draft, object));
  await settleAround(draft, head, last, open);
  if (last.outcome === 'pending') await draft.settle(object, last, 'committed', 'a later version holds what it set');
  const end = await draft.add({
    object,
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

/** Settles the attempts beside the version that an object ended in: those it was made from came true. */
async function settleAround(draft: Draft, head: Head, last: HeadVersion, open: readonly HeadVersion[]): Promise<void> {
  const line = lineOf(last, open);
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
): Promise<void> {
  const head = await draft.head(object);
  const open = openOf(head);
  const confirmed = tipOf(head) !== null || open.some((version) => version.gone);
  if (confirmed) return observeGone(draft, object, resourceVersion, reason, cause);
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

/**
 * The end of a definition ends its objects, without a review each. The end of a namespace comes when all in it is gone:
 * what was not deleted by then never existed. `resourceVersion`: that of the end, where it is known.
 */
export async function endContents(
  draft: Draft,
  object: ObjectRef,
  cause: number,
  resourceVersion: string,
): Promise<void> {
  if (object.group === 'apiextensions.k8s.io' && object.resource === 'customresourcedefinitions') {
    const [resource = '', ...group] = object.name.split('.');
    await endAll(
      draft,
      { type: { group: group.join('.'), resource } },
      'its definition is gone',
      cause,
      resourceVersion,
    );
  } else if (object.group === '' && object.resource === 'namespaces') {
    await endAll(draft, { namespace: object.name }, 'its namespace is gone', cause, resourceVersion);
  }
}

async function endAll(
  draft: Draft,
  filter: Pick<ObjectFilter, 'type' | 'namespace'>,
  reason: OutcomeReason,
  cause: number,
  resourceVersion: string,
): Promise<void> {
  for (let after: number | undefined; ;) {
    const page = await draft.store.objects(filter, PAGE, after);
    for (const { id: _, ...object } of page) await endBy(draft, object, reason, cause, resourceVersion);
    after = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  for (const object of draft.unstored) {
    const { type = object, namespace = object.namespace } = filter;
    const isIn = object.group === type.group && object.resource === type.resource && object.namespace === namespace;
    if (isIn) await endBy(draft, object, reason, cause, resourceVersion);
  }
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
    const page = await draft.store.open(from, PAGE);
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
    if (change.checkpoint !== null) return null;
    seq = change.parent;
  }
  return null;
}

/** The recorded request that deletes what the object is in: the API server takes it along, without a review. */
async function containerMarker(draft: Draft, object: ObjectRef): Promise<number | null> {
  for (const container of containersOf(object)) {
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
