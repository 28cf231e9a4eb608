import { interpret, REPLICAS_PATH } from '../../../../shared/interpret.ts';
import { diff } from '../../../../shared/patch.ts';
import type { Review } from '../../../../shared/review.ts';
import { believed } from '../../../../shared/versions.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';

/**
 * Whether a review asked for what was there already, by the ledger: nothing of such a review is kept, so that nothing tells
 * whether it was taken before. `at`: when it was received (ms).
 */
export async function changesNothing(
  review: Review,
  at: number,
  store: Pick<LedgerStore, 'incarnations' | 'versions' | 'body' | 'seqAt'>,
): Promise<boolean> {
  const { meaning, object } = interpret(review, at);
  if (meaning.kind === 'state') return meaning.patch.length === 0;
  if (meaning.kind === 'act' || review.operation === 'DELETE') return false;
  const [known] = await store.incarnations(object);
  if (known === undefined) return false;
  const version = believed(await store.versions(known.id, await store.seqAt(at)));
  const body = version === null ? null : await store.body(version.seq);
  return body !== null && diff(body, meaning.apply(body, REPLICAS_PATH)).length === 0;
}
