import type { LedgerReader, ObjectRef, OwnerTree, Setter } from '../types.ts';

/**
 * The change that made what an object says at a field (Edge.field), and so an edge: whoever gave the value that is there at a moment
 * (ms). null where the object has no such field then.
 */
export async function madeBy(
  reader: Pick<LedgerReader, 'blame'>,
  { group, resource, namespace, name, uid }: ObjectRef,
  field: string,
  at: number,
): Promise<Setter | null> {
  const scope = { type: { group, resource }, namespace, names: [name] };
  const { blames } = await reader.blame({ scope, at, field, limit: MAX_INCARNATIONS });
  const blame = blames.find(({ object }) => object.uid === uid);
  if (blame === undefined) return null;
  const seq = newestOf(blame.owners);
  return blame.setters.find((setter) => setter.seq === seq) ?? null;
}

/** Of one name at a moment. */
const MAX_INCARNATIONS = 5;

/** The newest of the changes that set parts of a field: a selector may have been made in steps. What is around the field has none. */
function newestOf({ seq, members = {} }: OwnerTree): number {
  return Math.max(seq, ...Object.values(members).map(newestOf));
}
