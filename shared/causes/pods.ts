import type { Actor } from '../types.ts';
import { metadataOf } from '../normalise.ts';
import { isObject } from '../json.ts';
import { causeAmong, replicasOf, type Cause, type Fact } from './fact.ts';
import { templateOf } from './rollout.ts';

/** A pod of an owner came, or was asked to go. */
export interface PodEvent {
  seq: number;
  pod: string;
  came: boolean;
  actor: Actor | null;
}

interface Reason {
  seq: number;
  why: string;
  /** Others that waited together with it when one of them was met. */
  rivals: number[];
}

/**
 * Why a ReplicaSet's controller made a pod, or took one away. Its size and its pods are counted through the whole record:
 * whatever made a pod be missing (a larger size, a pod that went) waits for one to come, whatever made one too many waits
 * for one to go. What waits is the reason; it is certain where nothing else waits.
 *
 * `owner`: the changes of the ReplicaSet; `pods`: what became of its pods, oldest first; `controller`: its user name.
 */
export function podCause(
  fact: Pick<Fact, 'seq' | 'effect'>,
  owner: readonly Fact[],
  pods: readonly PodEvent[],
  controller: string,
): Cause | null {
  const from = countedFrom(owner);
  if (from === null) return null;
  const missing: Reason[] = [];
  const extra: Reason[] = [];
  let unexplained = 0;
  const changes = [...sizeChanges(owner), ...pods]
    .filter(({ seq }) => seq > from && seq < fact.seq)
    .sort((a, b) => a.seq - b.seq);
  for (const change of changes) {
    if ('size' in change) resize(change, missing, extra);
    else if (change.came) {
      if (!take(missing)) unexplained++;
    } else if (change.actor?.username === controller) take(extra);
    // What made this pod come is not known. It may be one that went before, and is only seen now.
    else if (unexplained > 0) unexplained--;
    else {
      const why = `it replaces pod ${change.pod}, which this change removed`;
      missing.push({ seq: change.seq, why, rivals: [] });
    }
  }
  return reasonOf(fact.effect === 'created' ? missing : extra);
}

/** The change from which on pods can be counted; null where some were missing or too many when the record begins. */
function countedFrom([first]: readonly Fact[]): number | null {
  if (first === undefined) return null;
  if (first.source !== 'baseline') return 0;
  const status = first.after?.status;
  const there = status !== undefined && isObject(status) ? status.replicas : undefined;
  return there === (replicasOf(first.after) ?? 0) ? first.seq : null;
}

interface SizeChange {
  seq: number;
  size: number;
  before: number;
  name: string;
}

/** A first sight is no change: its pods were there. */
function sizeChanges(owner: readonly Fact[]): SizeChange[] {
  return owner.flatMap(({ seq, before, after, source, object }) => {
    const [old, now] = [replicasOf(before) ?? 0, replicasOf(after) ?? 0];
    if (after === null || old === now || source === 'baseline') return [];
    return [{ seq, size: now, before: old, name: object.name }];
  });
}

/** What was asked for and is not done yet is taken back before the opposite is asked for. */
function resize({ seq, size, before, name }: SizeChange, missing: Reason[], extra: Reason[]): void {
  const [wanted, opposite] = size > before ? [missing, extra] : [extra, missing];
  const why = `this change took ${name} from ${before} to ${size} pods`;
  for (let count = Math.abs(size - before); count > 0; count--) {
    if (opposite.pop() === undefined) wanted.push({ seq, why, rivals: [] });
  }
}

/** One of what waits is met, and which one is not known where there are several: then nor is what still waits. */
function take(waiting: Reason[]): boolean {
  const all = waiting.map(({ seq }) => seq);
  const taken = waiting.shift() !== undefined;
  for (const reason of waiting) reason.rivals.push(...all);
  return taken;
}

function reasonOf(waiting: readonly Reason[]): Cause | null {
  const [first] = waiting;
  if (first === undefined) return null;
  return causeAmong(first.seq, first.why, [...first.rivals, ...waiting.map(({ seq }) => seq)]);
}

/**
 * Why a StatefulSet's controller made pod NAME-i, or took it away: its place is within the size or beyond it since a
 * change; or the pod before it went. A pod of another revision is replaced by an update of the template.
 */
export function statefulPodCause(fact: Fact, owner: readonly Fact[], pods: readonly PodEvent[]): Cause | null {
  const ordinal = Number(/-(\d+)$/.exec(fact.object.name)?.[1] ?? NaN);
  const known = owner.filter(({ seq }) => seq < fact.seq);
  const size = replicasOf(known.at(-1)?.after ?? null);
  if (Number.isNaN(ordinal) || size === null) return null;
  const own = pods.filter(({ seq, pod }) => seq < fact.seq && pod === fact.object.name);
  const since = own.at(-1)?.seq ?? 0;
  const wanted = (count: number): boolean => ordinal < count;
  const comes = fact.effect === 'created';
  if (!comes && wanted(size)) return revisionCause(fact, known);
  const crossings = sizeChanges(known).filter(
    ({ before, size: now }) => wanted(before) !== comes && wanted(now) === comes,
  );
  const change = crossings.at(-1);
  const gone = own.findLast(({ came }) => !came);
  if (comes && gone !== undefined && (change === undefined || change.seq < gone.seq)) {
    return { seq: gone.seq, certain: true, why: 'it replaces the pod of its name, which this change removed' };
  }
  if (change === undefined) return null;
  // To and fro faster than the controller: any of them may be the one that it saw.
  const others = crossings.map(({ seq }) => seq).filter((seq) => seq > since);
  return causeAmong(change.seq, `this change took ${change.name} from ${change.before} to ${change.size} pods`, others);
}

/** The pod is not of the template that the StatefulSet has now. */
function revisionCause(fact: Fact, owner: readonly Fact[]): Cause | null {
  const labels = metadataOf(fact.before).labels;
  const revision = labels !== undefined && isObject(labels) ? labels['controller-revision-hash'] : undefined;
  const status = owner.at(-1)?.after?.status;
  const update = status !== undefined && isObject(status) ? status.updateRevision : undefined;
  if (revision === undefined || update === undefined || revision === update) return null;
  const change = owner.findLast(({ before, after }) => before !== null && templateOf(before) !== templateOf(after));
  return change === undefined ? null : { seq: change.seq, certain: false, why: 'this change set another pod template' };
}

/** Why a Job's controller made a pod: the first ones come with the Job. Later ones replace what failed: nobody's doing. */
export function jobPodCause(fact: Fact, owner: readonly Fact[], pods: readonly PodEvent[]): Cause | null {
  const [created] = owner;
  if (created?.effect !== 'created' || created.source === 'baseline') return null;
  const { parallelism } = created.after === null ? {} : (created.after.spec as { parallelism?: unknown });
  const first = typeof parallelism === 'number' ? parallelism : 1;
  const before = pods.filter(({ seq, came }) => came && seq < fact.seq).length;
  return before < first ? { seq: created.seq, certain: true, why: 'its first pods come with the Job' } : null;
}
