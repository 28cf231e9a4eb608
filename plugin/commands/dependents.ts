import { dependentsOf } from '../../shared/dependents.ts';
import { displayName } from '../../shared/resource-types.ts';
import type { JsonObject, LedgerReader, ObjectRef, Scope, State } from '../../shared/types.ts';
import { printable } from '../views/text.ts';
import { statePages } from './state-pages.ts';

/** What goes with an object, and the types that the reader may not count. */
export interface Dependents {
  objects: Pick<State, 'object' | 'body'>[];
  denied: string[];
}

/** What is deleted with an object, by what there was at a moment. */
export async function readDependents(
  object: ObjectRef,
  body: JsonObject,
  at: number,
  reader: LedgerReader,
): Promise<Dependents> {
  // An owner and what it owns are in one namespace, or the owner in none.
  const scope: Scope = object.namespace === '' ? {} : { namespace: object.namespace };
  const states: State[] = [];
  const denied = new Set<string>();
  for await (const page of statePages(scope, at, reader)) {
    states.push(...page.states);
    for (const type of page.denied ?? []) denied.add(type);
  }
  return { objects: dependentsOf({ object, body }, states), denied: [...denied].sort() };
}

/** `4 pods, 2 replicasets, 1 deployment`, the most first; '' for none. */
export function countByKind(objects: readonly { object: ObjectRef }[]): string {
  const counts = new Map<string, { object: ObjectRef; count: number }>();
  for (const { object } of objects) {
    const name = displayName(object);
    counts.set(name, { object, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  return [...counts]
    .sort(([a, { count: first }], [b, { count: second }]) => second - first || (a < b ? -1 : 1))
    .map(([name, { object, count }]) => `${count} ${printable(count === 1 ? name : plural(name, object))}`)
    .join(', ');
}

/** `ingresses`; with the group where the singular has it. */
function plural(name: string, { resource }: ObjectRef): string {
  const dot = name.indexOf('.');
  return dot === -1 ? resource : resource + name.slice(dot);
}
