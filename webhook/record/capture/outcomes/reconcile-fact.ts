import { hashBody } from '../../../../shared/patch.ts';
import type { Seen } from '../../../../shared/interpret.ts';
import { apiVersionOf } from '../../../../shared/normalise.ts';
import { compareResourceVersions } from '../../../../shared/resource-version.ts';
import { DISPUTED, type Json, type ObjectRef } from '../../../../shared/types.ts';
import type { NewChange, OutcomeReason } from '../../../ledger/port/port.ts';
import type { Draft } from '../objects/draft.ts';
import { endBy } from '../endings/ending.ts';
import { alsoShownAs, asShown, managersSince, type Held } from './as-shown.ts';
import { claimOf } from '../late/disputes.ts';
import { holds } from '../objects/holds.ts';
import { isUnknown, madeBefore, openOf, tipOf, type HeadVersion } from '../objects/object-head.ts';
import { resolveScales } from '../objects/scale.ts';
import { addMissedCreation, addSeenCreation, begin, beginBy, recordDifference } from '../unexplained/unexplained.ts';
import { confirmAttempt, dropAttempts, lineageOf, NO_AMENDMENTS, type Amendments } from './settle.ts';

/** A fact about an object: the API server showed this body at this version. */
export interface ObservedFact {
  object: ObjectRef;
  seen: Seen;
  /** How what it settles is known. */
  reason: OutcomeReason;
  /** The request that made this version, where that is known: what no attempt explains is its change. */
  by?: Maker;
  /** What happened before this moment (ms) had been seen by then: what the fact shows anew is younger. 0: nothing had. */
  since?: number;
}

/** A request that made a version of which no review, or only an attempt, is known. */
export interface Maker extends Pick<
  NewChange,
  'operation' | 'subresource' | 'actor' | 'manager' | 'baseResourceVersion' | 'occurredAt'
> {
  options: Json;
  /** The open attempts that may be this request. */
  own: ReadonlySet<number>;
  /** What was asked for, for the change of a version before which nothing is known: what it changed cannot be told. */
  asked: Json;
}

/**
 * Takes in a fact, and returns the version that it shows. Settles the open attempts of its object: the one it shows is
 * committed; those made from an older version, which it does not hold, can never be persisted any more. What no attempt
 * explains is recorded as a change of source `watch`. A fact older than what is known returns null and changes nothing.
 */
export async function reconcileFact(draft: Draft, observation: ObservedFact): Promise<HeadVersion | null> {
  const first = tipOf(await draft.head(observation.object)) === null;
  const version = await take(draft, observation);
  if (first) await closeOthers(draft, observation.object, observation.by?.occurredAt);
  return version;
}

/**
 * A new incarnation exists, so the ones of the same name before it do not. `occurredAt`: when it was shown (ms), where that is told long
 * after: what is known of another one since then shows that the other one is the later of the two.
 */
async function closeOthers(draft: Draft, object: ObjectRef, occurredAt = Infinity): Promise<void> {
  for (const other of await draft.incarnations(object)) {
    if (other.uid === object.uid || other.uid === '') continue;
    const { at } = tipOf(await draft.head(other)) ?? { at: 0 };
    if (at > occurredAt) await endBy(draft, object, LATER_OBJECT, null, '', at);
    else await endBy(draft, other, LATER_OBJECT, null);
  }
}

const LATER_OBJECT = 'a later object of the same name exists';

async function take(draft: Draft, observation: ObservedFact): Promise<HeadVersion | null> {
  const { object, seen, reason, since = 0, by } = observation;
  const head = await draft.head(object);
  const tip = tipOf(head);
  const apiVersion = apiVersionOf(seen.body);
  const order = tip === null ? 1 : compareResourceVersions(seen.resourceVersion, tip.resourceVersion);
  if (tip !== null && order < 0) return null;
  if (tip !== null && order === 0) {
    return tip.apiVersion === apiVersion || tip.gone ? tip : alsoShownAs(draft, observation, head, tip);
  }
  const hash = hashBody(seen.body);
  const same = (version: HeadVersion | null): boolean =>
    version !== null &&
    version.hash !== null &&
    hash !== null &&
    version.apiVersion === apiVersion &&
    version.hash.equals(hash);
  const open = openOf(head).filter(
    (version) =>
      madeBefore(version, seen.resourceVersion) && (by === undefined || by.own.has(version.seq) || !same(version)),
  );
  const exact = open.find(same);
  if (exact !== undefined) {
    const claim = await claimOf(draft, observation, head, exact, open);
    if ('disputed' in claim) return recordDispute(draft, observation, claim.disputed, open);
    return confirmAttempt(draft, head, claim.by, open, reason, seen.resourceVersion, claim.amendments);
  }
  if (tip !== null && same(tip)) {
    // Only managedFields have changed since, or a change was taken back.
    await dropAttempts(draft, object, open);
    return moveTo(draft, object, tip, seen.resourceVersion);
  }
  const held = await lastHeld(draft, open, seen);
  let shown: Amendments | 'own' | null = null;
  if (held !== null) {
    shown = await asShown(draft, observation, head, held);
    if (shown !== null && shown !== 'own')
      return confirmAttempt(draft, head, held.version, open, reason, seen.resourceVersion, shown);
  }
  // Where it has more than was asked for, there may have been others before it: a list shows only the last one.
  const heldAt = shown === 'own' && reason === 'the watch shows it' ? seen.resourceVersion : '';
  const base =
    held === null
      ? tip
      : await confirmAttempt(
          draft,
          head,
          held.version,
          open,
          'a later version holds what it set',
          heldAt,
          held.amendments,
        );
  // Of a scale whose field is not known it is not known either whether it is in there.
  const lost = open.filter((version) => !isUnknown(version));
  if (held === null) await dropAttempts(draft, object, lost);
  if (base === null && by !== undefined) return beginBy(draft, object, seen, by);
  if (base === null) return (await addMissedCreation(draft, object, seen, since)) ?? begin(draft, object, seen);
  return recordDifference(draft, observation, base, held?.version ?? null, shown === 'own');
}

/** The newest attempt whose change stands in the body, or that managedFields name where the body is in another API version. */
async function lastHeld(draft: Draft, open: readonly HeadVersion[], seen: Seen): Promise<Held | null> {
  const { body, managedFields } = seen;
  for (const version of [...open].reverse()) {
    if (version.gone) continue;
    if (version.parent === null) return { version, amendments: NO_AMENDMENTS };
    if (isUnknown(version)) {
      const scales = await resolveScales(draft, lineageOf(version, open), body);
      if (scales === null) continue;
      return { version, amendments: new Map(scales.map(({ version: { seq }, amendment }) => [seq, amendment])) };
    }
    if (version.apiVersion !== apiVersionOf(body)) {
      const { manager, at } = await draft.change(version.seq);
      if (managersSince(managedFields, at).includes(manager)) return { version, amendments: NO_AMENDMENTS };
      continue;
    }
    const [before, after] = [await draft.body(version.parent), await draft.body(version.seq)];
    if (after !== null && holds(before ?? {}, after, body, version.projected))
      return { version, amendments: NO_AMENDMENTS };
  }
  return null;
}

/** The same body at a newer version: remembered, so that the next comparison is short; nothing to record. */
async function moveTo(
  draft: Draft,
  object: ObjectRef,
  tip: HeadVersion,
  resourceVersion: string,
): Promise<HeadVersion> {
  const moved = { ...tip, resourceVersion };
  const head = await draft.head(object);
  draft.setHead({ ...head, versions: head.versions.map((version) => (version.seq === tip.seq ? moved : version)) });
  return moved;
}

/** Several users claim what is shown: their attempts are told, none is believed, and what is shown is nobody's. */
async function recordDispute(
  draft: Draft,
  observation: ObservedFact,
  claims: readonly HeadVersion[],
  open: readonly HeadVersion[],
): Promise<HeadVersion> {
  const { object, seen, since = 0 } = observation;
  for (const claim of claims) await draft.settle(object, claim, 'unverified', DISPUTED);
  const [first] = claims;
  const before = first === undefined ? undefined : lineageOf(first, open).at(-2);
  const others = open.filter(({ seq }) => !claims.some((claim) => claim.seq === seq));
  const head = await draft.head(object);
  const base =
    before === undefined
      ? tipOf(head)
      : await confirmAttempt(draft, head, before, others, 'a later version holds what it set', '');
  if (before === undefined) await dropAttempts(draft, object, others);
  if (base !== null) return recordDifference(draft, observation, base, null, false);
  const managersHint = seen.managedFields.map(({ manager }) => manager);
  return addSeenCreation(draft, object, seen, { notBefore: since, managersHint });
}
