import type { Change, ObjectRef } from '../types.ts';
import type { Act } from './acts.ts';

/** How many objects of one type a consequence touched, and what became of them. */
export interface Count {
  type: Pick<ObjectRef, 'group' | 'resource' | 'kind'>;
  /** What became of them by the end: `created` and still there, `gone`, or only `changed`. */
  fate: 'created' | 'gone' | 'changed';
  objects: number;
}

const FATES = ['created', 'gone', 'changed'] as const;

/**
 * The consequences of an act, counted by type: what came, what went, what only changed. An object that came and went
 * counts as gone, requests without a state (tokens) do not count, nor do the objects of the act itself.
 */
export function countsOf({ changes, consequences }: Act): Count[] {
  const own = new Set(changes.filter(({ effect }) => effect !== 'none').map(({ object }) => keyOf(object)));
  const fates = new Map<string, { object: ObjectRef; fate: Count['fate'] }>();
  for (const change of consequences) {
    const { object, effect } = change;
    const key = keyOf(object);
    if (effect === 'none' || own.has(key)) continue;
    const before = fates.get(key)?.fate;
    fates.set(key, { object, fate: fateOf(change, before) });
  }
  const counts = new Map<string, Count>();
  for (const { object, fate } of fates.values()) {
    const { group, resource, kind } = object;
    const key = JSON.stringify([group, resource, fate]);
    const count = counts.get(key) ?? { type: { group, resource, kind }, fate, objects: 0 };
    count.objects++;
    counts.set(key, count);
  }
  return [...counts.values()].sort((a, b) => FATES.indexOf(a.fate) - FATES.indexOf(b.fate));
}

function fateOf(change: Change, before: Count['fate'] | undefined): Count['fate'] {
  if (isLeaving(change) || before === 'gone') return 'gone';
  return change.effect === 'created' || before === 'created' ? 'created' : 'changed';
}

/** True where a change ends an object, or marks it for deletion. */
export function isLeaving({ effect, operation, deltas }: Change): boolean {
  return (
    effect === 'deleted' ||
    (operation === 'DELETE' && effect !== 'none') ||
    deltas.some(({ path, kind }) => path === 'metadata.deletionTimestamp' && kind === 'added')
  );
}

function keyOf({ group, resource, namespace, name, uid }: ObjectRef): string {
  return JSON.stringify([group, resource, namespace, name, uid]);
}

/** One consequence, and what followed from it in turn. */
export interface Branch {
  change: Change;
  branches: Branch[];
}

/** The consequences as the tree of their causes, oldest first. */
export function treeOf({ consequences }: Act): Branch[] {
  const branches = new Map<number, Branch>();
  const roots: Branch[] = [];
  for (const change of consequences) {
    const branch: Branch = { change, branches: [] };
    const parent = change.causes?.map(({ seq }) => branches.get(seq)).find((found) => found !== undefined);
    (parent?.branches ?? roots).push(branch);
    branches.set(change.seq, branch);
  }
  return roots;
}
