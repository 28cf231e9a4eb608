import { isKubelet, podOfToken } from '../../../shared/acts/kubelet.ts';
import { BUILT_IN_TYPES } from '../../../shared/built-in-types.ts';
import { cascadeCause, markCause, namespaceCause } from '../../../shared/causes/deletion.ts';
import {
  isLeaving,
  isMarked,
  ownersOf,
  type Cause,
  type Fact,
  type OwnerReference,
} from '../../../shared/causes/fact.ts';
import { jobPodCause, podCause, statefulPodCause } from '../../../shared/causes/pods.ts';
import { replicaSetCause, revisionCause } from '../../../shared/causes/rollout.ts';
import { isMachine } from '../../../shared/machines.ts';
import type { CauseLink } from '../../../shared/types.ts';
import type { ChangeFilter, LedgerView, StoredChange } from '../../ledger/port/port.ts';
import { Origins } from '../origins/origins.ts';
import { CauseRecords } from './cause-records.ts';
import type { States } from '../../ledger/port/states.ts';

/** A pod's end, its ReplicaSet's, its Deployment's, its namespace's: no true chain comes near this. */
const MAX_LINKS = 10;

const CONTROLLERS = 'system:serviceaccount:kube-system:';
/** What ends comes first: an end that its owner or namespace explains needs no other reason. */
const ALL_CONTROLLERS = [
  'generic-garbage-collector',
  'namespace-controller',
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'job-controller',
];

/** Finds what led to changes: controllers act for somebody. Made for one answer; remembers what it has looked up. */
export class Causes {
  /** What delivery tools made their changes from. */
  readonly origins: Origins;
  private readonly records: CauseRecords;
  private readonly direct = new Map<number, Promise<Cause | null>>();

  constructor(store: LedgerView, states: States) {
    this.records = new CauseRecords(store, states);
    this.origins = new Origins(store, states);
  }

  /** Changes that were read, oldest first, and will be asked about. */
  async know(changes: readonly StoredChange[]): Promise<void> {
    await this.records.know(changes);
  }

  /** The chain of changes that led to one, nearest first; it ends with a person, or where the record tells no more. */
  async of(change: StoredChange): Promise<CauseLink[]> {
    const links: CauseLink[] = [];
    const seen = new Set([change.seq]);
    let certain = true;
    let at: StoredChange | null = change;
    while (links.length < MAX_LINKS) {
      const cause = await this.causeOf(at);
      if (cause === null || seen.has(cause.seq)) break;
      seen.add(cause.seq);
      const next: StoredChange | null = await this.records.change(cause.seq);
      if (next === null) break;
      certain &&= cause.certain || (await this.samePerson([cause.seq, ...(cause.others ?? [])]));
      const { seq, why } = cause;
      links.push({ seq, certain, why, actor: next.actor, object: next.object });
      at = next;
    }
    const last = links.at(-1);
    const origin = last === undefined || at === null ? null : await this.origins.of(at);
    if (last !== undefined && origin !== null) last.origin = origin;
    return links;
  }

  /** True where several changes lead to one person, each for certain. */
  private async samePerson(seqs: readonly number[]): Promise<boolean> {
    const people = new Set<string | null>();
    for (const seq of seqs) people.add(seqs.length > 1 ? await this.personOf(seq) : null);
    return people.size === 1 && !people.has(null);
  }

  private async personOf(seq: number): Promise<string | null> {
    const change = await this.records.change(seq);
    if (change === null) return null;
    const links = await this.of(change);
    if (links.some(({ certain }) => !certain)) return null;
    return (links.length === 0 ? change.actor : links.at(-1)?.actor)?.username ?? null;
  }

  private causeOf(change: StoredChange): Promise<Cause | null> {
    const found = this.direct.get(change.seq) ?? this.find(change);
    this.direct.set(change.seq, found);
    return found;
  }

  private async find(change: StoredChange): Promise<Cause | null> {
    if (change.statusOnly) return null;
    const { cause, options } = change.detail();
    const { operation, subresource, object, actor } = change;
    const request = { operation, subresource, object, actor, options };
    const person = change.actor !== null && !isMachine(change.actor.username) && !isKubelet(request);
    if (person) return null;
    if (cause !== null) {
      const asked = await this.records.change(cause);
      const why =
        asked?.subresource === 'eviction'
          ? 'the eviction of this pod'
          : asked?.effect === 'none'
            ? 'it was asked for there, and recorded without its body'
            : 'it follows from this change';
      return { seq: cause, certain: true, why };
    }
    const pod = podOfToken(request);
    if (pod !== null) return this.podOf(change, pod);
    if (change.effect === 'none') return null;
    if (takesUpOperation(change))
      return this.from(await this.records.spec(change), objectFilter(change), operationCause);
    const fact = await this.records.spec(change);
    if (isMarked(fact.before)) return this.completion(fact);
    return change.actor === null ? null : this.byController(fact, change.actor.username);
  }

  /** A kubelet requests a token for a pod that has come. */
  private async podOf({ object: { namespace }, seq }: StoredChange, pod: { name: string; uid: string }) {
    const filter = { type: { group: '', resource: 'pods' }, namespace, names: [pod.name], uid: pod.uid };
    const created = (await this.records.specsOf(filter))?.find(
      (fact) => fact.effect === 'created' && fact.source !== 'baseline' && fact.seq < seq,
    );
    return created === undefined ? null : { seq: created.seq, certain: true, why: 'the pod needed a token' };
  }

  /** Of what goes already, only the steps of its going follow from who asked for it. */
  private async completion(fact: Fact): Promise<Cause | null> {
    const finalizers = (body: Fact['before']): string => JSON.stringify([body?.metadata, body?.spec].map(finalizersOf));
    const steps = fact.after === null || finalizers(fact.before) !== finalizers(fact.after);
    return steps || fact.operation === 'DELETE' ? this.from(fact, objectFilter(fact), markCause) : null;
  }

  private async byController(fact: Fact, username: string): Promise<Cause | null> {
    for (const controller of controllersOf(username)) {
      const cause = await this.byRole(fact, controller, username);
      if (cause !== null) return cause;
    }
    return null;
  }

  private async byRole(fact: Fact, controller: string, username: string): Promise<Cause | null> {
    const { resource, group, namespace } = fact.object;
    const owner = ownersOf(fact.after ?? fact.before).find((one) => one.controller);
    const podOwner = (kind: string): OwnerReference | null =>
      group === '' && resource === 'pods' && owner?.kind === kind ? owner : null;
    switch (controller) {
      case 'generic-garbage-collector':
        return isLeaving(fact) ? this.cascade(fact) : null;
      case 'namespace-controller':
        if (namespace === '' || !isLeaving(fact)) return null;
        return this.from(fact, { type: { group: '', resource: 'namespaces' }, names: [namespace] }, namespaceCause);
      case 'deployment-controller':
        return this.rollout(fact, owner);
      case 'replicaset-controller':
        return this.pods(fact, podOwner('ReplicaSet'), (own, events) => podCause(fact, own, events, username));
      case 'statefulset-controller':
        return this.pods(fact, podOwner('StatefulSet'), (own, events) => statefulPodCause(fact, own, events));
      case 'job-controller':
        if (fact.effect !== 'created') return null;
        return this.pods(fact, podOwner('Job'), (own, events) => jobPodCause(fact, own, events));
      case 'system:kube-scheduler':
        return fact.subresource === 'binding' ? this.from(fact, objectFilter(fact), creationCause) : null;
      default:
        return null;
    }
  }

  private async from(
    fact: Fact,
    filter: ChangeFilter,
    find: (fact: Fact, facts: readonly Fact[]) => Cause | null,
  ): Promise<Cause | null> {
    const facts = await this.records.specsOf(filter);
    return facts === null ? null : find(fact, facts);
  }

  /** The first owner that is known to have gone. */
  private async cascade(fact: Fact): Promise<Cause | null> {
    for (const owner of ownersOf(fact.before)) {
      for (const filter of ownerFilters(fact, owner)) {
        const cause = await this.from(fact, filter, cascadeCause);
        if (cause !== null) return cause;
      }
    }
    return null;
  }

  private async rollout(fact: Fact, owner: OwnerReference | undefined): Promise<Cause | null> {
    const { resource, namespace, name, uid } = fact.object;
    const isDeployment = resource === 'deployments';
    const deployment = isDeployment ? { name, uid } : owner?.kind === 'Deployment' ? owner : undefined;
    if (deployment === undefined || (!isDeployment && resource !== 'replicasets')) return null;
    const own = await this.records.specsOf({
      ...{ type: { group: 'apps', resource: 'deployments' }, namespace },
      ...{ names: [deployment.name], uid: deployment.uid },
    });
    const sets = await this.records.specsOf({
      ...{ type: { group: 'apps', resource: 'replicasets' }, namespace, namePrefix: `${deployment.name}-` },
    });
    if (own === null || sets === null) return null;
    const owned = sets.filter(({ before, after }) =>
      ownersOf(after ?? before).some((one) => one.uid === deployment.uid),
    );
    return isDeployment ? revisionCause(fact, own, owned) : replicaSetCause(fact, own, owned);
  }

  private async pods(
    fact: Fact,
    owner: OwnerReference | null,
    find: (own: readonly Fact[], events: NonNullable<Awaited<ReturnType<CauseRecords['podEvents']>>>) => Cause | null,
  ): Promise<Cause | null> {
    if (owner === null) return null;
    const [filter] = ownerFilters(fact, owner);
    // What a StatefulSet is replacing stands in its status.
    const load = (of: ChangeFilter) =>
      owner.kind === 'StatefulSet' ? this.records.factsOf(of) : this.records.specsOf(of);
    const own = filter === undefined ? null : await load(filter);
    const events = await this.records.podEvents(fact.object.namespace, owner);
    return own === null || events === null || own.length === 0 ? null : find(own, events);
  }
}

/** Each has a user of its own, unless --use-service-account-credentials is off: then what it does must tell. */
function controllersOf(username: string): string[] {
  if (username === 'system:kube-controller-manager') return ALL_CONTROLLERS;
  return [username.startsWith(CONTROLLERS) ? username.slice(CONTROLLERS.length) : username];
}

function finalizersOf(part: unknown): unknown {
  return typeof part === 'object' && part !== null && 'finalizers' in part ? part.finalizers : undefined;
}

function objectFilter({ object }: Pick<Fact, 'object'>): ChangeFilter {
  const { group, resource, namespace, name, uid } = object;
  return { type: { group, resource }, namespace, names: [name], uid };
}

/** An owner is in the namespace of what it owns, or in none. The uid tells it from others, whatever its type. */
function ownerFilters({ object }: Fact, { group, kind, name, uid }: OwnerReference): ChangeFilter[] {
  const known = BUILT_IN_TYPES.find((type) => type.group === group && type.kind === kind);
  const type = known === undefined ? {} : { type: { group, resource: known.resource } };
  const namespaces = object.namespace === '' || known?.namespaced === false ? [''] : [object.namespace, ''];
  return namespaces.map((namespace) => ({ ...type, namespace, names: [name], uid }));
}

/** A pod is bound once, because it was made. */
function creationCause(fact: Fact, own: readonly Fact[]): Cause | null {
  const created = own.find(
    ({ effect, seq, source }) => effect === 'created' && seq < fact.seq && source !== 'baseline',
  );
  return created === undefined
    ? null
    : { seq: created.seq, certain: true, why: 'the pod was created, and needed a node' };
}

/** Argo CD begins an operation of an Application by taking the request for it out of the object. */
function takesUpOperation({ object, detail }: StoredChange): boolean {
  if (object.group !== 'argoproj.io' || object.resource !== 'applications') return false;
  return detail().patch.some(({ op, path }) => op === 'remove' && path === '/operation');
}

/** The change that had asked for the operation. */
function operationCause(fact: Fact, own: readonly Fact[]): Cause | null {
  const asked = own.findLast(
    ({ seq, before, after }) => seq < fact.seq && before?.operation === undefined && after?.operation !== undefined,
  );
  return asked === undefined
    ? null
    : { seq: asked.seq, certain: true, why: 'it takes up the operation that was asked for' };
}
