import { canonicalJson, isObject } from '../json.ts';
import { metadataOf } from '../normalise.ts';
import type { JsonObject } from '../types.ts';
import { annotationsOf, replicasOf, specOf, type Cause, type Fact } from './fact.ts';

/*
 * Which change of a Deployment its controller acts on when it changes a ReplicaSet. What the controller writes tells:
 * pkg/controller/deployment in Kubernetes. A sync makes (or adopts, with a new revision) the ReplicaSet of the template
 * first, then scales; and every size that follows spec.replicas comes with a new desired-replicas annotation.
 */
const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const OWN_ANNOTATIONS = 'deployment.kubernetes.io/';

/** `replicaSets`: the changes of all that the Deployment owns. */
export function replicaSetCause(fact: Fact, deployment: readonly Fact[], replicaSets: readonly Fact[]): Cause | null {
  const { before, after } = fact;
  if (before === null) return rolloutCause(fact, 'own', deployment, replicaSets);
  if (after === null) {
    const cause = rolloutCause(fact, 'other', deployment, replicaSets);
    return cause === null ? null : { ...cause, certain: false, why: 'an old revision was cleaned up after a rollout' };
  }
  const [old, now] = [annotationsOf(before), annotationsOf(after)];
  const [replicas, newReplicas] = [replicasOf(before) ?? 0, replicasOf(after) ?? 0];
  // One that was at zero keeps its annotation from long ago: it is told nothing by it.
  if (old[DESIRED] !== now[DESIRED] && replicas > 0) return sizeCause(fact, deployment);
  if (newReplicas > replicas || old[REVISION] !== now[REVISION]) {
    return rolloutCause(fact, 'own', deployment, replicaSets);
  }
  if (newReplicas < replicas) return rolloutCause(fact, 'other', deployment, replicaSets);
  return annotationCause(fact, deployment);
}

/** The revision that a Deployment gets is that of the ReplicaSet of its template. */
export function revisionCause(fact: Fact, deployment: readonly Fact[], replicaSets: readonly Fact[]): Cause | null {
  const revision = annotationsOf(fact.after)[REVISION];
  if (revision === undefined || annotationsOf(fact.before)[REVISION] === revision) return null;
  const owner = replicaSets.findLast(
    (other) => other.seq < fact.seq && annotationsOf(other.after)[REVISION] === revision,
  );
  if (owner === undefined) return null;
  const cause = rolloutCause(owner, 'own', deployment, replicaSets);
  return cause === null
    ? null
    : { ...cause, why: `revision ${canonicalJson(revision)} is that of the template it set` };
}

/** The newest template that the controller is known to have acted on: it is `own` for what grows, `other` for what shrinks. */
function rolloutCause(
  fact: Fact,
  template: 'own' | 'other',
  deployment: readonly Fact[],
  replicaSets: readonly Fact[],
): Cause | null {
  const own = templateOf(fact.after ?? fact.before);
  for (const change of templateChanges(deployment, fact.seq).reverse()) {
    const witness = replicaSets.find(
      (other) =>
        other.seq > change.seq &&
        other.seq <= fact.seq &&
        isAdoption(other) &&
        templateOf(other.after) === change.template,
    );
    if (witness === undefined) continue;
    if ((change.template === own) !== (template === 'own') || change.source === 'baseline') return null;
    const name = witness.object.name;
    const why =
      witness.seq === fact.seq
        ? 'its pod template is the one that this change set'
        : template === 'own'
          ? 'the rollout of the pod template that this change set'
          : `the rollout of the pod template that this change set, to ReplicaSet ${name}`;
    return { seq: change.seq, certain: true, why };
  }
  return null;
}

function isAdoption({ effect, before, after }: Fact): boolean {
  return effect === 'created' || (after !== null && annotationsOf(before)[REVISION] !== annotationsOf(after)[REVISION]);
}

/** The changes before one that gave the Deployment another pod template. */
function templateChanges(
  deployment: readonly Fact[],
  before: number,
): { seq: number; template: string; source: Fact['source'] }[] {
  const changes: { seq: number; template: string; source: Fact['source'] }[] = [];
  for (const { seq, after, source } of deployment) {
    if (seq >= before || after === null) continue;
    const template = templateOf(after);
    if (template !== changes.at(-1)?.template) changes.push({ seq, template, source });
  }
  return changes;
}

/** Each is compared with many. */
const templates = new WeakMap<JsonObject, string>();

/** A pod template as text, without the label by which a ReplicaSet tells its pods from others. */
export function templateOf(body: JsonObject | null): string {
  const known = body === null ? '' : templates.get(body);
  if (known !== undefined) return known;
  const text = templateText(body);
  if (body !== null) templates.set(body, text);
  return text;
}

function templateText(body: JsonObject | null): string {
  const { template } = specOf(body);
  if (template === undefined || !isObject(template)) return '';
  const metadata = metadataOf(template);
  const { labels } = metadata;
  const { 'pod-template-hash': _, ...rest } = labels !== undefined && isObject(labels) ? labels : {};
  return canonicalJson({ ...template, metadata: { ...metadata, labels: rest } });
}

function sizeCause(fact: Fact, deployment: readonly Fact[]): Cause | null {
  const desired = annotationsOf(fact.after)[DESIRED];
  const change = deployment.findLast(
    ({ seq, before, after }) =>
      seq < fact.seq && String(replicasOf(after)) === desired && replicasOf(before) !== replicasOf(after),
  );
  if (change === undefined || change.source === 'baseline') return null;
  return {
    seq: change.seq,
    certain: true,
    why: `its desired-replicas ${desired as string} is the spec.replicas that this change set`,
  };
}

/** A Deployment's annotations are copied to its ReplicaSets. */
function annotationCause(fact: Fact, deployment: readonly Fact[]): Cause | null {
  const [old, now] = [annotationsOf(fact.before), annotationsOf(fact.after)];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter(
    (key) => old[key] !== now[key] && !key.startsWith(OWN_ANNOTATIONS),
  );
  const [key] = keys;
  if (key === undefined) return null;
  const change = deployment.findLast(
    ({ seq, before, after }) =>
      seq < fact.seq && annotationsOf(after)[key] === now[key] && annotationsOf(before)[key] !== now[key],
  );
  if (change === undefined || change.source === 'baseline') return null;
  return { seq: change.seq, certain: keys.length === 1, why: `the annotation ${key} was copied from the Deployment` };
}
