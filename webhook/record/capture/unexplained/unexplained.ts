import { diff } from '../../../../shared/patch.ts';
import type { Seen } from '../../../../shared/interpret.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import { isObject } from '../../../../shared/json.ts';
import { isStatusOnly } from '../../../../shared/status-only.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { NewChange } from '../../../ledger/port/port.ts';
import { bodilessFor } from '../bodiless/bodiless-acts.ts';
import { setsDeletionTimestamp } from '../endings/ending.ts';
import type { Draft } from '../objects/draft.ts';
import { isUnknown, type HeadVersion } from '../objects/object-head.ts';
import { managersSince } from '../outcomes/as-shown.ts';
import type { Maker, ObservedFact } from '../outcomes/reconcile-fact.ts';
import { evictionFor } from './eviction.ts';

/*
 * The changes that are recorded for a fact that no attempt explains: the first state of an object that is known, a creation
 * that no review told of, and the difference between the last known version and what the API server shows.
 */

/** The first that is known of an object. */
export async function begin(draft: Draft, object: ObjectRef, seen: Seen, late = false): Promise<HeadVersion> {
  return draft.add({
    ...factOf(object, seen),
    operation: 'CREATE',
    source: 'baseline',
    effect: 'created',
    late,
    base: null,
    patch: diff(null, seen.body),
    detail: {},
  });
}

/** The first that is known of an object, by a request. What one other than a creation changed is not known. */
export async function beginBy(draft: Draft, object: ObjectRef, seen: Seen, by: Maker): Promise<HeadVersion> {
  if (by.operation === 'CREATE') {
    return draft.add({
      ...factOf(object, seen),
      ...madeBy(by),
      effect: 'created',
      base: null,
      patch: diff(null, seen.body),
    });
  }
  const base = await begin(draft, object, seen);
  return addUnknown(draft, object, seen, by, base);
}

/** A request of which only the body after it is known: nothing that it shows is told to be its doing. */
export async function addUnknown(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  by: Maker,
  base: HeadVersion,
): Promise<HeadVersion> {
  const { asked: request, options } = by;
  const told = isObject(options) ? { ...options, request } : { request };
  return draft.add({
    ...{ ...factOf(object, seen), ...madeBy(by), effect: 'modified', base, patch: [] },
    detail: { options: request === null ? options : told },
  });
}

/** What is said of a change whose request is known by the audit log alone. */
export function madeBy({ operation, subresource, actor, manager, baseResourceVersion, occurredAt, options }: Maker) {
  const source = 'audit' as const;
  const detail = { options };
  return { operation, subresource, actor, manager, baseResourceVersion, occurredAt, source, detail };
}

/** What is the same in every change that nobody made through us. */
export function factOf(object: ObjectRef, { body, resourceVersion, managedFields }: Seen) {
  return {
    object,
    subresource: '',
    actor: null,
    manager: '',
    late: false,
    baseResourceVersion: '',
    resourceVersion,
    reviewUid: '',
    body,
    managedFields,
  } as const;
}

/**
 * An object that was created after the record began, and not through us; null where it is older, or does not tell. Its
 * creationTimestamp has whole seconds; where all of its type had been seen before (`since`), it is new in any case.
 */
export async function addMissedCreation(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  since: number,
): Promise<HeadVersion | null> {
  const createdAt = Date.parse(metadataText(seen.body, 'creationTimestamp'));
  const first = await draft.store.first();
  if (first === null || Number.isNaN(createdAt) || createdAt > draft.at) return null;
  if (createdAt <= first.at && since === 0) return null;
  const notBefore = Math.max(createdAt, since);
  const request = await bodilessFor(draft, object, 'CREATE', 0);
  if (request !== null) draft.confirmAct(request, seen.resourceVersion);
  const managersHint = managersSince(seen.managedFields, createdAt);
  return addSeenCreation(draft, object, seen, { cause: request, notBefore, managersHint });
}

/** A creation that only what is seen tells of. */
export function addSeenCreation(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  detail: Partial<NewChange['detail']>,
): Promise<HeadVersion> {
  return draft.add({
    ...factOf(object, seen),
    operation: 'CREATE',
    source: 'watch',
    effect: 'created',
    base: null,
    patch: diff(null, seen.body),
    detail,
  });
}

/**
 * What happened without us between a version and the fact. `request`: what made that version; `isOwn`: the fact shows that very
 * version. The API server sets times and status behind what was only predicted of a request, too.
 */
export async function recordDifference(
  draft: Draft,
  { object, seen, since = 0, by }: ObservedFact,
  base: HeadVersion,
  request: HeadVersion | null,
  isOwn: boolean,
): Promise<HeadVersion> {
  const before = base.gone ? null : await draft.body(base.seq);
  const patch = diff(before, seen.body);
  if (by !== undefined) {
    const effect = before === null ? 'created' : 'modified';
    if (before !== null && isUnknown(base)) {
      // Some of it is the doing of a request before this one, of which it is not known what it changed.
      const notBefore = base.at;
      const gap = await draft.add({
        ...{ ...factOf(object, seen), resourceVersion: '', operation: 'UPDATE', source: 'watch', effect, base, patch },
        detail: { notBefore, managersHint: managersSince(seen.managedFields, notBefore) },
      });
      return addUnknown(draft, object, seen, by, gap);
    }
    return draft.add({
      ...factOf(object, seen),
      ...madeBy(by),
      ...{ effect, base: before === null ? null : base, patch },
    });
  }
  const follows = request !== null && (isOwn || (request.projected && isStatusOnly(patch)));
  const eviction = request?.projected === true ? null : await evictionFor(draft, object, patch);
  if (eviction !== null && setsDeletionTimestamp(patch)) draft.confirmAct(eviction, seen.resourceVersion);
  const notBefore = Math.max(base.at, since);
  return draft.add({
    ...factOf(object, seen),
    operation: before === null ? 'CREATE' : 'UPDATE',
    source: 'watch',
    effect: before === null ? 'created' : 'modified',
    baseResourceVersion: base.resourceVersion,
    base: before === null ? null : base,
    patch,
    detail: {
      cause: follows ? request.seq : eviction,
      notBefore,
      managersHint: managersSince(seen.managedFields, notBefore),
    },
  });
}
