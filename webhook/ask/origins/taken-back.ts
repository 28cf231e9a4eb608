import { isDeepStrictEqual } from 'node:util';
import { isByPerson } from '../../../shared/acts/kubelet.ts';
import { deltas } from '../../../shared/delta.ts';
import type { Actor, Delta, JsonObject } from '../../../shared/types.ts';
import { isReal, type LedgerView, type StoredChange } from '../../ledger/port/port.ts';
import type { States } from '../../ledger/port/states.ts';
import type { Origins } from './origins.ts';

/** Changes of an object that are looked through, back from the one that may take them back. */
const MAX_CHANGES = 100;

/**
 * The changes of people to an object that a tool's change takes back, oldest first: those since the tool's last change, of a value
 * that it sets again to what it was before.
 */
export async function takenBack(
  store: LedgerView,
  states: States,
  origins: Pick<Origins, 'toolOf'>,
  change: StoredChange,
  before: JsonObject | null,
  after: JsonObject | null,
): Promise<{ seq: number; actor: Actor }[]> {
  if (before === null || after === null) return [];
  const [own, tool] = [deltas(before, after), await origins.toolOf(change)];
  const { group, resource, namespace, name, uid } = change.object;
  const filter = { type: { group, resource }, namespace, names: [name], uid, withoutStatus: true, maxSeq: change.seq - 1 }; // prettier-ignore
  const found: { seq: number; actor: Actor }[] = [];
  for (const row of await store.changes(filter, MAX_CHANGES)) {
    if (!isReal(row) || row.effect !== 'modified') continue;
    if ((await origins.toolOf(row)) === tool) break;
    if (row.actor === null || !isPersonsChange(row)) continue;
    const around = await states.around(row);
    if (deltas(around.before, around.after).some((delta) => own.some((back) => isReverse(back, delta)))) found.push({ seq: row.seq, actor: row.actor }); // prettier-ignore
  }
  return found.reverse();
}

/** True for what a person did, and no program of Kubernetes nor a service account. */
export function isPersonsChange(row: StoredChange): boolean {
  return isByPerson({ ...row, options: row.detail().options });
}

/** True where a delta gives a value back that another one had taken. */
export function isReverse(back: Delta, delta: Delta): boolean {
  if (NOT_ITS_OWN.has(delta.path)) return false;
  return back.path === delta.path && isDeepStrictEqual(back.after, delta.before) && isDeepStrictEqual(back.before, delta.after); // prettier-ignore
}

/** The API server counts these. */
const NOT_ITS_OWN = new Set(['metadata.generation']);
