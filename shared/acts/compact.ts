import { isControlPlane } from '../machines.ts';
import type { Change } from '../types.ts';
import { isLeaving } from './consequences.ts';
import { isByPerson, isKubelet, isKubeletEnd } from './kubelet.ts';

/**
 * Changes without those that only report that a pod has ended as it was asked to: the change that asked, where it is
 * among them, stands for all; otherwise the last report does. In the order given.
 */
export function withoutReportedEnds(changes: readonly Change[]): Change[] {
  const ended = new Set<string>();
  const asked = new Map<string, number>();
  for (const change of changes) {
    const { seq, object, effect } = change;
    if (isReport(change)) {
      if (effect === 'deleted') ended.add(object.uid);
    } else if (isLeaving(change)) asked.set(object.uid, Math.min(seq, asked.get(object.uid) ?? seq));
  }
  return changes.flatMap((change) => {
    const { seq, object, effect } = change;
    // Without it, of a report in two steps the last is enough.
    if (isReport(change))
      return asked.has(object.uid) || (effect !== 'deleted' && ended.has(object.uid)) ? [] : [change];
    const gone = asked.get(object.uid) === seq && ended.has(object.uid) && effect === 'modified';
    return gone ? [{ ...change, effect: 'deleted', deltas: [{ path: '', kind: 'removed', before: null }] }] : [change];
  });
}

function isReport(change: Change): boolean {
  return isKubeletEnd(change) || (change.operation === 'DELETE' && isKubelet(change));
}

/**
 * The rows of a history in which people stand out: without what controllers modified on objects that people changed
 * too. What made and ended an object stays, whoever did it. `folded`: how many rows were left out.
 */
export function compactRows(changes: readonly Change[]): { rows: Change[]; folded: number } {
  const rows = withoutReportedEnds(changes);
  const touched = new Set(rows.filter(isByPerson).map(keyOf));
  const kept = rows.filter((change) => !isModificationByController(change) || !touched.has(keyOf(change)));
  return { rows: kept, folded: changes.length - kept.length };
}

function isModificationByController(change: Change): boolean {
  const { actor, effect } = change;
  return actor !== null && isControlPlane(actor.username) && effect !== 'created' && !isLeaving(change);
}

function keyOf({ object }: Change): string {
  return JSON.stringify([object.group, object.resource, object.namespace, object.name, object.uid]);
}
