import { labelsOf } from '../../../../shared/labels.ts';
import { matchesSelector, parseSelector } from '../../../../shared/selector.ts';
import type { ObjectRef, State } from '../../../../shared/types.ts';
import { believed } from '../../../../shared/versions.ts';
import { isExplained, type LedgerView, type StoredObject, type StoredVersion } from '../../../ledger/port/port.ts';
import { isTranslation, outcomeAt } from '../../blame/views.ts';
import type { Answer, Asked } from '../asked.ts';
import { askedAt } from '../landscape/members.ts';
import { pageOf } from './page.ts';

export const states: Answer<'states'> = async (asked, query) => {
  const selector = parseSelector(query.scope.labels ?? '');
  const moment = await momentOf(asked.store, query.at);
  const isAsked = await askedAt(asked, query.scope, [query.at]);
  const { items, next } = await pageOf(asked.store, query, async (object) => {
    if (!isAsked(object)) return null;
    const state = await stateOf(asked, object, moment);
    return state === null || !matchesSelector(selector, labelsOf(state.body)) ? null : state;
  });
  return { states: items, next };
};

/** A moment (ms), and the last change by then. What came in later than it happened is found by the time. */
export interface Moment {
  at: number;
  seq: number;
}

export async function momentOf(store: LedgerView, at: number): Promise<Moment> {
  return { at, seq: await store.seqAt(at) };
}

/** The version that an object was in at a moment, as far as is known now; null where it had none. */
export async function versionAt(store: LedgerView, id: number, { at, seq }: Moment): Promise<StoredVersion | null> {
  const version = believed(await store.versions(id, seq));
  const backdated = await store.backdated(id, at);
  if (backdated === null) return version;
  if (version !== null && version.at >= backdated.occurredAt) return version;
  return { ...backdated, at: backdated.occurredAt };
}

/** An object as it was at a moment; null where it did not exist, or its body is not kept. */
export async function stateOf(
  { store, now }: Asked,
  { id, ...object }: StoredObject,
  moment: Moment,
): Promise<State | null> {
  const version = await versionAt(store, id, moment);
  if (version === null || version.effect === 'deleted') return null;
  if (version.outcome !== 'committed' && (await isRefused(store, id, object, moment.seq))) return null;
  const body = await store.body(version.seq);
  if (body === null) return null;
  const made = await changeBehind(store, version);
  return {
    object,
    seq: made.seq,
    changedAt: made.at,
    actor: made.actor,
    manager: made.manager,
    outcome: outcomeAt(made, now()),
    body,
  };
}

/** True while a name is taken: nothing has confirmed the object, and another one of its name exists. */
async function isRefused(store: LedgerView, id: number, object: ObjectRef, maxSeq: number): Promise<boolean> {
  const committed = (versions: StoredVersion[]): StoredVersion | undefined =>
    versions.find(({ outcome, late }) => outcome === 'committed' && !late);
  if (committed(await store.versions(id, maxSeq)) !== undefined) return false;
  for (const other of await store.incarnations(object)) {
    if (other.id === id) continue;
    const versions = await store.versions(other.id, maxSeq);
    const exists = committed(versions) !== undefined && believed(versions)?.effect !== 'deleted';
    if (exists) return true;
  }
  return false;
}

/** The change that made a version, where that only shows it in another API version, or before the review that explains it. */
async function changeBehind(store: LedgerView, version: StoredVersion): Promise<StoredVersion> {
  if (version.source === 'admission') return version;
  const parent = isTranslation(version) && version.parent !== null ? await store.change(version.parent) : null;
  if (parent !== null) return changeBehind(store, { ...parent, at: parent.occurredAt });
  const fact = await store.change(version.seq);
  const made = fact !== null && isExplained(fact) ? await store.explanation(fact.seq) : null;
  return made === null ? version : { ...made, at: made.occurredAt };
}
