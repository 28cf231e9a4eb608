import { isLeaving, ownersOf, type Cause, type Fact } from './fact.ts';

/** What an object's end, or a step towards it, completes: the change that marked it for deletion. `own`: its changes. */
export function markCause(fact: Fact, own: readonly Fact[]): Cause | null {
  const mark = own.find((other) => other.seq < fact.seq && isLeaving(other));
  return mark === undefined
    ? null
    : { seq: mark.seq, certain: true, why: 'it completes the deletion that this change asked for' };
}

/**
 * What the garbage collector follows: the end of the object's owner. `owner`: the changes of one that ownerReferences name
 * by uid. Of several owners the last to go decides, which the caller cannot know.
 */
export function cascadeCause(fact: Fact, owner: readonly Fact[]): Cause | null {
  const end = owner.find((other) => other.seq < fact.seq && isLeaving(other));
  if (end === undefined) return null;
  const { kind, name } = end.object;
  const only = ownersOf(fact.before).length === 1;
  return { seq: end.seq, certain: only, why: `its owner ${kind} ${name} (same uid) was deleted: a cascade` };
}

/** What the namespace controller follows: the end of the namespace. `namespace`: the changes of all objects of its name. */
export function namespaceCause(fact: Fact, namespace: readonly Fact[]): Cause | null {
  const end = namespace.findLast((other) => other.seq < fact.seq && isLeaving(other));
  return end === undefined
    ? null
    : { seq: end.seq, certain: true, why: `the namespace ${end.object.name} was deleted, and all in it` };
}
