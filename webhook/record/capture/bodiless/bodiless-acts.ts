import type { ObjectRef, Operation } from '../../../../shared/types.ts';
import type { Draft } from '../objects/draft.ts';

/**
 * The one request without a body that explains that an object was created, or has ended, since a moment (ms); null where there is
 * none, or several.
 */
export async function bodilessFor(
  draft: Draft,
  object: ObjectRef,
  operation: Extract<Operation, 'CREATE' | 'DELETE'>,
  since: number,
): Promise<number | null> {
  const found: number[] = [];
  for (const seq of await draft.acts(object, '', since)) {
    if ((await draft.change(seq)).operation === operation) found.push(seq);
  }
  return found.length === 1 ? (found[0] ?? null) : null;
}
