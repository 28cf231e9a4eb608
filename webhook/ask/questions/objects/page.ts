import { KubeblameError } from '../../../../shared/errors.ts';
import type { Scope } from '../../../../shared/types.ts';
import type { LedgerView, ObjectFilter, StoredObject } from '../../../ledger/port/port.ts';

/** Objects that are fetched at once while a page fills: the page first, then more. */
const FETCHED = 500;

/** What of a scope the store finds by itself: all but labels. */
export function filterOf({ type, namespace, withNamespaceObject, names }: Scope): ObjectFilter {
  return {
    ...(type === undefined ? {} : { type }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(withNamespaceObject === undefined ? {} : { withNamespaceObject }),
    ...(names === undefined ? {} : { names }),
  };
}

/**
 * Goes through the objects of a scope until a page is full; `look` makes an item of an object, or null. The token for the next page
 * is the last object's id.
 */
export async function pageOf<T>(
  store: LedgerView,
  query: { scope: Scope; limit: number; continue?: string },
  look: (object: StoredObject) => Promise<T | null>,
): Promise<{ items: T[]; next: string | null }> {
  const items: T[] = [];
  let after = query.continue === undefined ? undefined : readContinue(query.continue);
  // One more tells whether there is another page.
  const size = Math.min(query.limit, FETCHED) + 1;
  for (;;) {
    const objects = await store.objects(filterOf(query.scope), size, after);
    // Side by side: a hub asks its database once for what is asked for at once.
    const looked = await Promise.all(objects.map((object) => look(object)));
    for (const [index, object] of objects.entries()) {
      if (items.length === query.limit) return { items, next: String(after) };
      const item = looked[index] ?? null;
      if (item !== null) items.push(item);
      after = object.id;
    }
    if (objects.length < size) return { items, next: null };
  }
}

/** A list that ends early must not look like one that is complete. */
function readContinue(token: string): number {
  if (!/^[1-9]\d{0,14}$/.test(token)) {
    throw new KubeblameError('query-invalid', `continue: ${JSON.stringify(token)} was not given with a page`);
  }
  return Number(token);
}
