import type { ObjectRef, Patch } from '../../../../shared/types.ts';
import { setsDeletionTimestamp } from '../endings/ending.ts';
import type { Draft } from '../objects/draft.ts';

/** An eviction takes effect within its request, which the API server gives up after a minute. */
const EVICTION_MS = 60_000;

/** The eviction that explains why a pod is being deleted: its API has no DELETE review of its own. */
export async function evictionFor(draft: Draft, object: ObjectRef, patch: Patch): Promise<number | null> {
  if (object.group !== '' || object.resource !== 'pods') return null;
  if (!setsDeletionTimestamp(patch) && !JSON.stringify(patch).includes('"EvictionByEvictionAPI"')) return null;
  const evictions = await draft.acts(object, 'eviction', draft.at - EVICTION_MS);
  return evictions.length === 1 ? (evictions[0] ?? null) : null;
}
