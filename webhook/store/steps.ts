import type { Step } from '../../shared/reconstruct.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { LedgerStore, StoredChange } from './port.ts';

/** The whole body stored beside a change; null for most. */
export async function checkpointOf(store: LedgerStore, change: StoredChange): Promise<JsonObject | null> {
  // Only a change that starts a new count of patches on top of another can have one.
  return change.depth === 0 && change.parent !== null ? store.checkpoint(change.seq) : null;
}

/** A change that another one builds on. Rejects where it is not there: the history is damaged. */
export async function requireChange(store: LedgerStore, seq: number): Promise<StoredChange> {
  const change = await store.change(seq);
  if (change === null) throw new Error(`the ledger has no change ${seq}, which a later one builds on`);
  return change;
}

/** A stored step, for reconstruct(). */
export async function loadStep(store: LedgerStore, seq: number): Promise<Step> {
  return stepOf(store, await requireChange(store, seq));
}

/** The same, of a change that was read already. */
export async function stepOf(store: LedgerStore, change: StoredChange): Promise<Step> {
  return { parent: change.parent, patch: change.detail().patch, checkpoint: await checkpointOf(store, change) };
}
