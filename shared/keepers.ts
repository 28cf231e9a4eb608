import { isObject, memberOf } from './json.ts';
import { metadataOf } from './normalise.ts';
import { toolOfManager } from './origins/tools.ts';
import type { Change, Json, JsonObject } from './types.ts';

/** Somebody who will set fields again, whatever anybody else does with them. */
export interface Keeper {
  /** `Argo CD`, `replicaset web-5d4f`, a user. */
  who: string;
  kind: 'gitops' | 'owner' | 'controller';
  /** How that is known: a label, an owner reference, or a change of its own. */
  evidence: string;
  /** Of `controller`: the field that it sets. '' where it is the whole object. */
  path: string;
}

/** Labels and annotations by which tools mark what they manage. Each is the tool's own documented default. */
const MARKS: readonly [key: string, who: string, value?: string][] = [
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['meta.helm.sh/release-name', 'Helm'],
  ['app.kubernetes.io/managed-by', 'Helm', 'Helm'],
];

/**
 * Who will put these fields of an object back: GitOps tools that mark it as theirs, a controller that owns it, and
 * controllers that have set the same fields before, by `history` (any order). `paths` are as deltas have them.
 */
export function keepersOf(body: JsonObject, paths: readonly string[], history: readonly Change[]): Keeper[] {
  const keepers = new Map<string, Keeper>();
  const add = (keeper: Keeper): void => {
    const known = [...keepers.values()].some(({ who, kind }) => who === keeper.who && kind === 'gitops');
    if (!known) keepers.set(`${keeper.who} ${keeper.path}`, keeper);
  };
  for (const [key, who, wanted] of MARKS) {
    const value = textOf(metadataOf(body).labels, key) ?? textOf(metadataOf(body).annotations, key);
    if (value === undefined || (wanted !== undefined && value !== wanted)) continue;
    add({ who, kind: 'gitops', evidence: `${key}: ${value}`, path: '' });
  }
  for (const owner of controllersOf(body)) add({ who: owner, kind: 'owner', evidence: 'ownerReferences', path: '' });
  for (const change of [...history].sort((a, b) => b.seq - a.seq)) {
    const tool = keeps(change.manager);
    if (tool === null && !isController(change)) continue;
    const path = paths.find((each) => change.deltas.some((delta) => delta.path !== '' && overlap(delta.path, each)));
    // Of the whole object: a controller that sets a field of it neither makes it anew nor takes it away.
    if (path === undefined || (path === '' && tool === null)) continue;
    const who = tool ?? change.actor?.username ?? '';
    add({ who, kind: tool === null ? 'controller' : 'gitops', evidence: `change ${change.seq}`, path });
  }
  return [...keepers.values()];
}

/** The tool of a field manager that sets fields again by itself; null for others, and for what somebody runs, as Helm. */
function keeps(manager: string): string | null {
  const tool = toolOfManager(manager);
  return tool === 'Argo CD' || tool === 'Flux' ? tool : null;
}

/** True where one of two paths lies below the other, or they are the same. */
export function overlap(first: string, second: string): boolean {
  const below = (inner: string, outer: string): boolean =>
    inner === outer || outer === '' || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
  return below(first, second) || below(second, first);
}

/** Kubernetes' own users, and no person or pipeline that runs kubectl under a service account. */
function isController({ actor, manager, outcome }: Change): boolean {
  return (
    actor !== null && outcome !== 'dropped' && actor.username.startsWith('system:') && !manager.startsWith('kubectl')
  );
}

function controllersOf(body: JsonObject): string[] {
  const owners = metadataOf(body).ownerReferences;
  if (!Array.isArray(owners)) return [];
  return owners.filter(isObject).flatMap((owner) => {
    const [kind, name] = [textOf(owner, 'kind'), textOf(owner, 'name')];
    return owner['controller'] === true && kind !== undefined && name !== undefined
      ? [`${kind.toLowerCase()} ${name}`]
      : [];
  });
}

function textOf(value: Json | undefined, key: string): string | undefined {
  const member = memberOf(value, key);
  return typeof member === 'string' ? member : undefined;
}
