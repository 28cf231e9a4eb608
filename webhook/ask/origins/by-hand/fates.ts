import { isDeepStrictEqual } from 'node:util';
import { deltas } from '../../../../shared/delta.ts';
import { findField, parseField } from '../../../../shared/field-path.ts';
import { overlap } from '../../../../shared/keepers.ts';
import type { Delivery } from '../../../../shared/landscape/evidence.ts';
import { argoFinished } from '../../../../shared/origins/argo.ts';
import { fluxState } from '../../../../shared/origins/flux.ts';
import { isAutoscaler, type Decider, type ManualField, type Switch } from '../../../../shared/origins/manual.ts';
import type { Delta, JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { isReal, type LedgerView, type StoredChange } from '../../../ledger/port/port.ts';
import type { States } from '../../../ledger/port/states.ts';
import type { Origins } from '../origins.ts';
import { isPersonsChange } from '../taken-back.ts';
import { switchedBy } from './switches.ts';

/** Changes of one object that are looked through, the newest. */
const MAX_CHANGES = 1000;

/** Tells what became of changes by hand. Made for one report; remembers the histories that it has read. */
export class Fates {
  private readonly histories = new Map<string, Promise<StoredChange[]>>();
  private readonly deltas = new Map<number, Promise<Delta[]>>();

  constructor(
    private readonly store: LedgerView,
    private readonly states: States,
    private readonly origins: Origins,
  ) {}

  /** What became of one thing that a person set in an object that a tool delivers. */
  async ofField(change: StoredChange, delta: Delta, delivery: Delivery): Promise<ManualField> {
    const history = await this.history(change.object);
    for (const row of history) {
      if (row.seq <= change.seq) continue;
      if (row.effect === 'deleted') return { ...delta, fate: 'gone', by: await this.decider(row) };
      const touched = (await this.deltasOf(row)).find(({ path }) => overlap(path, delta.path));
      if (touched === undefined) continue;
      const by = await this.decider(row);
      if (row.actor !== null && isAutoscaler(row.actor.username)) return { ...delta, fate: 'autoscaled', by };
      const isBack = touched.path === delta.path && isDeepStrictEqual(touched.after, delta.before);
      const fate = !isBack ? 'replaced' : (await this.isPersons(row)) ? 'undone' : 'taken back';
      return { ...delta, fate, by };
    }
    const setter = await this.setterBefore(history, change, delta.path);
    if (setter?.actor != null && isAutoscaler(setter.actor.username)) return { ...delta, fate: 'autoscaled', by: null };
    if (!(await this.isSetByTool(history, change, delta.path, delivery))) return { ...delta, fate: 'not set by the tool', by: null }; // prettier-ignore
    const delivered = await this.deliveredSince(change, delivery);
    return delivered === null ? { ...delta, fate: 'open', by: null } : { ...delta, fate: 'adopted', by: delivered };
  }

  /** What became of an object that a person deleted. */
  async ofDeletion(change: StoredChange): Promise<ManualField> {
    const field = { path: '', kind: 'removed' } as const;
    for (const row of await this.history(change.object)) {
      if (row.seq <= change.seq || row.effect !== 'created') continue;
      return { ...field, fate: (await this.isPersons(row)) ? 'undone' : 'taken back', by: await this.decider(row) };
    }
    return { ...field, fate: 'open', by: null };
  }

  /** What became of a tool that a person switched off. */
  async ofSwitch(change: StoredChange, switched: Switch): Promise<ManualField> {
    if (switched === 'deleted') return this.ofDeletion(change);
    const own = await this.deltasOf(change);
    const field = own.find(({ path }) => SWITCHES.test(path)) ?? { path: '', kind: 'changed' as const };
    for (const row of await this.history(change.object)) {
      if (row.seq <= change.seq) continue;
      if (row.effect === 'deleted') return { ...field, fate: 'gone', by: await this.decider(row) };
      const { before, after } = await this.states.around(row);
      // Back on is off the other way round.
      if (switchedBy(row.object, after, before) === switched) return { ...field, fate: (await this.isPersons(row)) ? 'undone' : 'taken back', by: await this.decider(row) }; // prettier-ignore
    }
    return { ...field, fate: 'open', by: null };
  }

  private async decider(row: StoredChange): Promise<Decider> {
    const origin = await this.origins.of(row);
    const { seq, at, actor } = row;
    return { seq, at, actor, ...(origin === null ? {} : { origin }) };
  }

  /** Who had set a field last before a change; null where that is not known. */
  private async setterBefore(history: readonly StoredChange[], { seq }: StoredChange, path: string) {
    for (const row of [...history].reverse()) {
      if (row.seq >= seq) continue;
      if ((await this.deltasOf(row)).some((delta) => overlap(delta.path, path))) return row;
    }
    return null;
  }

  /** True where the tool has ever given the field a value before the change. */
  private async isSetByTool(
    history: readonly StoredChange[],
    { seq }: StoredChange,
    path: string,
    { manager }: Delivery,
  ): Promise<boolean> {
    for (const row of history) {
      if (row.seq >= seq) break;
      // What was there when recording began, nobody is known to have set: then the tool that delivers the object may have.
      if ((await this.origins.toolOf(row)) !== manager && row.source !== 'baseline') continue;
      const { after } = await this.states.around(row);
      if (after !== null && findField(after, parseField(path)) !== null) return true;
    }
    return false;
  }

  /** The tool's own word that it has delivered everything again since a change; null where there is none. */
  private async deliveredSince(
    { at, seq }: StoredChange,
    { kind, name, namespace }: Delivery,
  ): Promise<Decider | null> {
    const type = TYPES[kind];
    if (type === undefined) return null;
    const [object, ...others] = await this.origins.records.objects(type.group, type.resource, name, namespace);
    if (object === undefined || others.length > 0) return null;
    for (const { change, body } of await this.origins.records.since(object, seq)) {
      if (hasDelivered(kind, body, at)) return this.decider(change);
    }
    return null;
  }

  private async isPersons(row: StoredChange): Promise<boolean> {
    return isPersonsChange(row) && (await this.origins.toolOf(row)) === null;
  }

  private deltasOf(row: StoredChange): Promise<Delta[]> {
    const found =
      this.deltas.get(row.seq) ?? this.states.around(row).then(({ before, after }) => deltas(before, after));
    this.deltas.set(row.seq, found);
    return found;
  }

  /** The changes of a name that touch more than status and were persisted, oldest first; all incarnations. */
  private history({ group, resource, namespace, name }: ObjectRef): Promise<StoredChange[]> {
    const key = JSON.stringify([group, resource, namespace, name]);
    const load = async (): Promise<StoredChange[]> => {
      const filter = { type: { group, resource }, namespace, names: [name], withoutStatus: true };
      const rows = await this.store.changes(filter, MAX_CHANGES);
      return rows.filter(isReal).reverse();
    };
    const found = this.histories.get(key) ?? load();
    this.histories.set(key, found);
    return found;
  }
}

/** The fields by which a tool is told whether to work by itself. */
const SWITCHES = /^spec\.(?:syncPolicy|suspend)\b/;

const TYPES: Readonly<Record<string, { group: string; resource: string } | undefined>> = {
  Application: { group: 'argoproj.io', resource: 'applications' },
  Kustomization: { group: 'kustomize.toolkit.fluxcd.io', resource: 'kustomizations' },
};

function hasDelivered(kind: Delivery['kind'], body: JsonObject, since: number): boolean {
  if (kind === 'Kustomization') return fluxState(body).applied !== '';
  const ended = argoFinished(body);
  return ended !== null && ended.succeeded && ended.finishedAt > since && ended.operation.only === null;
}
