import { findField, parseField } from '../field-path.ts';
import type { LedgerReader, ObjectRef, OwnerTree, Setter } from '../types.ts';

/**
 * The change that made what an object says at a field (Edge.field), and so an edge: whoever gave the value that is there at a moment
 * (ms). null where the object has no such field then.
 */
export async function madeBy(
  reader: Pick<LedgerReader, 'blame'>,
  object: ObjectRef,
  field: string,
  at: number,
): Promise<Setter | null> {
  const [setter = null] = await makersOf(reader, object, [field], at);
  return setter;
}

/** The same for several fields of an object at once, in their order. */
export async function makersOf(
  reader: Pick<LedgerReader, 'blame'>,
  { group, resource, namespace, name, uid }: ObjectRef,
  fields: readonly string[],
  at: number,
): Promise<(Setter | null)[]> {
  const scope = { type: { group, resource }, namespace, names: [name] };
  const { blames } = await reader.blame({ scope, at, limit: MAX_INCARNATIONS });
  const blame = blames.find(({ object }) => object.uid === uid);
  if (blame === undefined) return fields.map(() => null);
  return fields.map((field) => {
    const way = findField(blame.body, parseField(field));
    if (way === null) return null;
    let tree = blame.owners;
    for (const key of way) {
      const { seq, members = {} } = tree;
      tree = (Object.hasOwn(members, key) ? members[key] : undefined) ?? { seq };
    }
    const seq = newestOf(tree);
    return blame.setters.find((setter) => setter.seq === seq) ?? null;
  });
}

/** Of one name at a moment. */
const MAX_INCARNATIONS = 5;

/** The newest of the changes that set parts of a field: a selector may have been made in steps. What is around the field has none. */
function newestOf({ seq, members = {} }: OwnerTree): number {
  return Math.max(seq, ...Object.values(members).map(newestOf));
}
