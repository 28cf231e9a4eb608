import { memberOf } from '../json.ts';
import { toolOfManager } from '../origins/tools.ts';
import type { Change, Delta } from '../types.ts';

/*
 * What somebody did, as a verb in the past tense. It is read from the request (operation, subresource, field manager,
 * options) and from what changed. Where these tell nothing more, it is `created`, `updated` or `deleted`.
 */

/** Of delivery tools those that also write what somebody does in their user interface. */
const EDITORS = new Set(['argocd-server', 'argocd-applicationset-controller']);

/** kubectl's commands, by the field manager that they send. */
const KUBECTL: Record<string, string> = {
  'kubectl-client-side-apply': 'applied',
  'kubectl-last-applied': 'applied',
  'kubectl-edit': 'edited',
  'kubectl-patch': 'patched',
  'kubectl-replace': 'replaced',
  'kubectl-label': 'labelled',
  'kubectl-annotate': 'annotated',
  'kubectl-taint': 'tainted',
};

const SUBRESOURCES: Record<string, string> = {
  eviction: 'evicted',
  token: 'requested a token for',
  binding: 'bound',
  exec: "exec'd into",
  attach: 'attached to',
  portforward: 'port-forwarded to',
  proxy: 'connected through the proxy to',
  ephemeralcontainers: 'debugged',
  resize: 'resized',
};

const LAST_APPLIED = 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';
const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

/** The verb for one change: `applied`, `scaled`, `deleted`; `updated` where nothing tells more. */
export function verbOf(change: Change): string {
  const { source, operation, subresource } = change;
  if (source === 'baseline') return 'found';
  const special = SUBRESOURCES[subresource];
  if (special !== undefined) return special;
  if (subresource === 'approval') return approvalVerb(change);
  if (operation === 'CONNECT') return 'connected to';
  if (operation === 'DELETE') return 'deleted';
  if (operation === 'CREATE') return createVerb(change);
  return updateVerb(change);
}

/** A change without what only follows from others: the generation, and kubectl's copy of the object. */
export function ownDeltas({ deltas }: Pick<Change, 'deltas'>): Delta[] {
  const own = deltas.filter(({ path }) => path !== 'metadata.generation' && path !== LAST_APPLIED);
  return own.length > 0 ? own : [...deltas];
}

function createVerb(change: Change): string {
  if (change.manager === 'kubectl-client-side-apply' || isApply(change)) return 'applied';
  return change.manager === 'kubectl-run' ? 'ran' : 'created';
}

function updateVerb(change: Change): string {
  const { subresource, manager, effect, source } = change;
  const deltas = ownDeltas(change);
  const only = (pattern: RegExp): boolean => deltas.length > 0 && deltas.every(({ path }) => pattern.test(path));
  if (subresource === 'scale') return 'scaled';
  if (isSync(change, deltas)) return 'synced';
  if (change.origin?.mode === 'self-heal' && change.origin.takesBack.length > 0) return 'healed';
  const node = nodeVerb(change, deltas);
  if (node !== null) return node;
  if (deltas.some((delta) => delta.path.startsWith('spec.template.metadata.annotations') && says(delta, RESTARTED)))
    return 'restarted';
  const command = KUBECTL[manager];
  if (command !== undefined) return command;
  if (manager === 'kubectl-set') return setVerb(only);
  if (manager === 'kubectl-rollout' || manager === 'kubectl') {
    const [paused] = deltas.filter(({ path }) => path === 'spec.paused');
    if (paused !== undefined) return paused.after === true ? 'paused' : 'resumed';
  }
  if (isApply(change)) return 'applied';
  if (isRollback(change, deltas)) return 'rolled back';
  if (effect === 'deleted' && source === 'watch') return 'deleted';
  if (only(/^spec\.replicas$/)) return 'scaled';
  if (only(/^metadata\.labels\b/)) return 'labelled';
  if (only(/^metadata\.annotations\b/)) return 'annotated';
  return 'updated';
}

/** A request to Argo CD: an operation is asked for in the Application itself. */
function isSync({ object }: Change, deltas: readonly Delta[]): boolean {
  if (object.group !== 'argoproj.io' || object.resource !== 'applications') return false;
  return deltas.some(
    ({ path, after }) => (path === 'operation' || path.startsWith('operation.')) && after !== undefined,
  );
}

/** `kubectl cordon`, `uncordon` and `taint`; a drain begins with a cordon. */
function nodeVerb({ object }: Change, deltas: readonly Delta[]): string | null {
  if (object.group !== '' || object.resource !== 'nodes') return null;
  const [unschedulable] = deltas.filter(({ path }) => path === 'spec.unschedulable');
  if (unschedulable !== undefined) return unschedulable.after === true ? 'cordoned' : 'uncordoned';
  if (deltas.length === 0 || !deltas.every(({ path }) => path.startsWith('spec.taints'))) return null;
  return deltas.every((delta) => delta.kind === 'removed') ? 'untainted' : 'tainted';
}

function setVerb(only: (pattern: RegExp) => boolean): string {
  if (only(/\.(?:initC|c)ontainers\[[^\]]*\]\.image$/)) return 'set image of';
  if (only(/\.(?:initC|c)ontainers\[[^\]]*\]\.env\b/)) return 'set environment of';
  if (only(/\.(?:initC|c)ontainers\[[^\]]*\]\.resources\b/)) return 'set resources of';
  return 'updated';
}

const APPROVAL = /^status\.conditions(?:\[(Approved|Denied)\]|$)/;

function approvalVerb({ deltas }: Change): string {
  const changed = deltas.filter(({ path }) => APPROVAL.test(path));
  return changed.some((delta) => APPROVAL.exec(delta.path)?.[1] === 'Denied' || says(delta, 'Denied'))
    ? 'denied'
    : 'approved';
}

const WORKLOADS = new Set(['deployments', 'statefulsets', 'daemonsets']);

/**
 * `kubectl rollout undo` patches the pod template under kubectl's own name, without a validation of fields: no other
 * command of kubectl does.
 */
function isRollback({ object, manager, options }: Change, deltas: readonly Delta[]): boolean {
  return (
    object.group === 'apps' &&
    WORKLOADS.has(object.resource) &&
    (manager === 'kubectl' || manager === 'kubectl-rollout') &&
    memberOf(options, 'fieldValidation') === undefined &&
    deltas.some(({ path }) => path.startsWith('spec.template.'))
  );
}

/** A server-side apply, or a write of a program that does nothing but apply. */
function isApply({ options, manager, object, deltas }: Change): boolean {
  if (memberOf(options, 'serverSideApply') === true) return true;
  // Argo CD also writes what it knows about its own Applications.
  return (
    toolOfManager(manager) !== null &&
    !EDITORS.has(manager) &&
    object.group !== 'argoproj.io' &&
    !deltas.every(({ path }) => path.startsWith('status.') || path === 'status')
  );
}

/** True where a delta is of this key, or of a map or list that holds it. */
function says({ path, after }: Delta, word: string): boolean {
  return after !== undefined && (path.includes(word) || JSON.stringify(after).includes(word));
}
