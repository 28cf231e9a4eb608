import { isMarked, ownersOf } from '../../../../shared/causes/fact.ts';
import { ownDeltas } from '../../../../shared/acts/verb.ts';
import { deltas } from '../../../../shared/delta.ts';
import {
  isAutoscaler,
  type ManualChange,
  type Manager,
  type Switch,
  type ManualPage,
  type ManualTotals,
} from '../../../../shared/origins/manual.ts';
import type { Delivery } from '../../../../shared/landscape/evidence.ts';
import type { Actor, Delta, JsonObject } from '../../../../shared/types.ts';
import { isReal, type ChangeFilter, type LedgerView, type StoredChange } from '../../../ledger/port/port.ts';
import { States } from '../../../ledger/port/states.ts';
import { isTranslation, outcomeAt } from '../../blame/views.ts';
import { Fates } from './fates.ts';
import { Origins, deliveriesIn } from '../origins.ts';
import { isPersonsChange } from '../taken-back.ts';
import { switchedBy } from './switches.ts';

/** Changes that are read at once. */
const PAGE = 500;
/** Changes by hand that one report tells. */
const MAX_TOLD = 1000;

/** What people did by hand, in a part of a ledger, to what delivery tools manage, and what became of it. `wanted` narrows the changes. */
export async function manualReport(
  store: LedgerView,
  filter: ChangeFilter,
  now: number,
  wanted: (rows: readonly StoredChange[]) => Promise<readonly StoredChange[]> = (rows) => Promise.resolve(rows),
): Promise<ManualPage> {
  const states = new States(store);
  const origins = new Origins(store, states);
  const fates = new Fates(store, states, origins);
  const totals: ManualTotals = { changes: 0, byHand: 0, unmanaged: 0, byTools: 0, byAutoscalers: 0, byRobots: 0, unknown: 0 }; // prettier-ignore
  const told: ManualChange[] = [];
  let maxSeq = filter.maxSeq ?? Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = await store.changes({ ...filter, withoutStatus: true, maxSeq }, PAGE);
    for (const row of await wanted(rows)) {
      if (!isReal(row) || isTranslation(row)) continue;
      totals.changes++;
      const change = await manualChange(row, states, origins, fates, now);
      if (change !== null) {
        totals.byHand++;
        if (told.length < MAX_TOLD) told.push(change);
      } else totals[await authorOf(row, origins)]++;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) break;
    maxSeq = last.seq - 1;
  }
  const [switches, others] = [told.filter(isSwitch), told.filter((change) => !isSwitch(change))];
  return { changes: [...switches, ...others], totals, more: totals.byHand > told.length };
}

function isSwitch({ switched }: ManualChange): boolean {
  return switched !== null;
}

/** Who made a change that is not in the report. */
async function authorOf(
  row: StoredChange,
  origins: Origins,
): Promise<'unmanaged' | 'byTools' | 'byAutoscalers' | 'byRobots' | 'unknown'> {
  if (row.actor === null) return 'unknown';
  if ((await origins.toolOf(row)) !== null) return 'byTools';
  if (isAutoscaler(row.actor.username)) return 'byAutoscalers';
  return isPersonsChange(row) ? 'unmanaged' : 'byRobots';
}

/** A change as the report tells it; null where no person made it, or no tool manages what it changes. */
async function manualChange(
  row: StoredChange,
  states: States,
  origins: Origins,
  fates: Fates,
  now: number,
): Promise<ManualChange | null> {
  const work = await handwork(row, states, origins);
  if (work === null) return null;
  const { seq, at, object } = row;
  const { actor, ends, switched, delivery, set } = work;
  const told = { seq, at, actor, object, outcome: outcomeAt(row, now), effect: ends ? 'deleted' : 'modified' } as const;
  if (switched !== null) {
    const field = await fates.ofSwitch(row, switched);
    return { ...told, managedBy: null, switched, fields: [field] };
  }
  if (delivery === null) return null;
  const managedBy = managerOf(delivery);
  if (ends) return { ...told, managedBy, switched: null, fields: [await fates.ofDeletion(row)] };
  const fields = [];
  for (const delta of set) fields.push(await fates.ofField(row, delta, delivery));
  return { ...told, managedBy, switched: null, fields };
}

/** The tool that manages what a person changed by hand; null for any other change. */
export async function changedByHand(row: StoredChange, states: States, origins: Origins): Promise<Manager | null> {
  const work = await handwork(row, states, origins);
  return work?.delivery == null ? null : managerOf(work.delivery);
}

function managerOf({ manager: tool, name: application, namespace }: Delivery): Manager {
  return { tool, application, namespace };
}

/** What a person did by hand to what a tool manages, or to how the tool works. */
interface Handwork {
  actor: Actor;
  /** The object was deleted, or marked for it. */
  ends: boolean;
  switched: Switch | null;
  /** null only of what switches a tool. */
  delivery: Delivery | null;
  set: Delta[];
}

async function handwork(row: StoredChange, states: States, origins: Origins): Promise<Handwork | null> {
  const { actor, object, effect } = row;
  if (actor === null || effect === 'created' || effect === 'none') return null;
  // Whoever runs Helm, or another tool, by hand, has the tool do it.
  if (!isPersonsChange(row) || (await origins.toolOf(row)) !== null) return null;
  const { before, after } = await states.around(row);
  const ends = effect === 'deleted' || (isMarked(after) && !isMarked(before));
  const switched = switchedBy(object, before, ends ? null : after);
  if (switched !== null) return { actor, ends, switched, delivery: null, set: [] };
  const [delivery] = isOwned(before) ? [] : deliveriesIn(object, before ?? after);
  if (delivery === undefined) return null;
  const set = ends ? [] : ownChanges(before, after);
  // The end of what was marked before tells nothing new.
  if (ends ? isMarked(before) : set.length === 0) return null;
  return { actor, ends, switched: null, delivery, set };
}

/** What a person set, without what the API server and controllers keep there. */
function ownChanges(before: JsonObject | null, after: JsonObject | null): Delta[] {
  return ownDeltas({ deltas: deltas(before, after) }).filter(({ path }) => !NOT_SET_BY_HAND.test(path));
}

const NOT_SET_BY_HAND = /^(?:status\b|metadata\.(?:generation|managedFields|finalizers|deletion|annotations\["(?:deployment\.kubernetes\.io\/revision|kubectl\.kubernetes\.io\/last-applied-configuration)"\]))/; // prettier-ignore

/** What a controller makes is managed by that controller, though it copies the annotations of what it makes it from. */
function isOwned(body: JsonObject | null): boolean {
  return ownersOf(body).some(({ controller }) => controller);
}
