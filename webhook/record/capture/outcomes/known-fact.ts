import type { Seen } from '../../../../shared/interpret.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import { observeGone } from '../endings/ending.ts';
import type { Draft } from '../objects/draft.ts';
import { tipOf } from '../objects/object-head.ts';
import { seenWithoutSecrets } from '../recorder/confidential.ts';
import { reconcileFact } from './reconcile-fact.ts';

/** Whether a list or a watch would tell nothing new of an object. The draft is only for this. */
export async function isKnownFact(
  draft: Draft,
  object: ObjectRef,
  seen: Seen,
  gone: boolean,
  redactor: Redactor,
): Promise<boolean> {
  // One that is gone never comes back.
  if (tipOf(await draft.head(object))?.gone === true) return true;
  const reason = 'the watch shows it';
  if (gone) await observeGone(draft, object, seen.resourceVersion, reason);
  else await reconcileFact(draft, { object, seen: await seenWithoutSecrets(draft, object, seen, redactor), reason });
  return draft.changes.length + draft.outcomes.length === 0;
}
