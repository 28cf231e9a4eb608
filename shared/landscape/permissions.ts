import type { ObjectRef } from '../types.ts';
import type { Graph } from './types.ts';

/** That a binding gives a ServiceAccount what a role allows. */
export interface Permission {
  account: ObjectRef;
  role: ObjectRef;
  binding: ObjectRef;
}

/**
 * What the ServiceAccounts of some objects may do: of those that are among them, and those that their pods run as. `members` by uid.
 */
export function permissionsIn({ nodes, edges }: Graph, members: ReadonlyMap<string, ObjectRef>): Permission[] {
  const objectAt = (place: number): ObjectRef | null => {
    const node = nodes[place];
    return node?.is === 'object' ? node.object : null;
  };
  const accounts = new Set<number>();
  const bindings = new Map<number, { roles: ObjectRef[]; subjects: number[] }>();
  for (const [place, node] of nodes.entries()) {
    if (node.is === 'object' && node.object.kind === 'ServiceAccount' && members.has(node.object.uid)) accounts.add(place); // prettier-ignore
  }
  for (const { relation, from, to } of edges) {
    const [source, target] = [objectAt(from), objectAt(to)];
    if (source === null || target === null) continue;
    if (relation === 'uses' && target.kind === 'ServiceAccount' && members.has(source.uid)) accounts.add(to);
    if (relation !== 'grants' || !source.kind.endsWith('Binding')) continue;
    const binding = bindings.get(from) ?? { roles: [], subjects: [] };
    bindings.set(from, binding);
    if (target.kind === 'ServiceAccount') binding.subjects.push(to);
    else binding.roles.push(target);
  }
  const found: Permission[] = [];
  for (const [place, { roles, subjects }] of bindings) {
    const binding = objectAt(place);
    for (const role of roles) {
      for (const subject of subjects) {
        const account = objectAt(subject);
        if (binding !== null && account !== null && accounts.has(subject)) found.push({ account, role, binding });
      }
    }
  }
  return found;
}
