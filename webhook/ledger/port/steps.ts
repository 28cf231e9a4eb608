import type { Step } from '../../../shared/reconstruct.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { LedgerView, StoredChange } from './port.ts';

/** The whole body stored beside a change; null for most. */
export async function bodySnapshotOf(store: LedgerView, change: StoredChange): Promise<JsonObject | null> {
  // Only a change that starts a new count of patches on top of another can have one.
  return change.depth === 0 && change.parent !== null ? store.bodySnapshot(change.seq) : null;
}

/** A change that another one builds on. Rejects where it is not there: the history is damaged. */
export async function requireChange(store: LedgerView, seq: number): Promise<StoredChange> {
  const change = await store.change(seq);
  if (change === null) throw new Error(`the ledger has no change ${seq}, which a later one builds on`);
  return change;
}

/** A stored step, for reconstruct(). */
export async function loadStep(store: LedgerView, seq: number): Promise<Step> {
  const change = await requireChange(store, seq);
  return { parent: change.parent, patch: change.detail().patch, bodySnapshot: await bodySnapshotOf(store, change) };
}
