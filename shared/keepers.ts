import { isObject, memberOf } from './json.ts';
import { metadataOf } from './normalise.ts';
import { toolOfManager } from './origins/tools.ts';
import type { Change, Json, JsonObject } from './types.ts';

/** A tool or controller that will set fields again after anybody else changes them. */
export interface Keeper {
  /** `Argo CD`, `replicaset web-5d4f`, a user. */
  who: string;
  kind: 'gitops' | 'owner' | 'controller';
  /** The evidence: a label, an owner reference, or an earlier change of its own. */
  evidence: string;
  /** For `controller`: the field that it sets; '' for the whole object. */
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
 * Who will restore these fields of an object: GitOps tools that mark it as theirs, a controller that owns it, and controllers
 * that set the same fields before, according to `history` (in any order). `paths` are those of deltas.
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
    // For the whole object: a controller that sets one of its fields neither creates it again nor deletes it.
    if (path === undefined || (path === '' && tool === null)) continue;
    const who = tool ?? change.actor?.username ?? '';
    add({ who, kind: tool === null ? 'controller' : 'gitops', evidence: `change ${change.seq}`, path });
  }
  return [...keepers.values()];
}

/** The tool behind a field manager, if it sets fields again by itself; null for others, such as Helm, which somebody runs. */
function keeps(manager: string): string | null {
  const tool = toolOfManager(manager);
  return tool === 'Argo CD' || tool === 'Flux' ? tool : null;
}

/** True if two paths are equal, or one lies below the other. */
export function overlap(first: string, second: string): boolean {
  const below = (inner: string, outer: string): boolean =>
    inner === outer || outer === '' || (inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length)));
  return below(first, second) || below(second, first);
}

/** True for Kubernetes' own users, but not for a person or pipeline that runs kubectl as a service account. */
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
