import { isMachine } from '../machines.ts';
import type { Actor } from '../types.ts';

/** Tools that are known by the field manager that they send. The names are each tool's own. */
const BY_MANAGER: Readonly<Record<string, string>> = {
  'argocd-controller': 'Argo CD',
  'argocd-application-controller': 'Argo CD',
  'argocd-server': 'Argo CD',
  'argocd-applicationset-controller': 'Argo CD',
  'kustomize-controller': 'Flux',
  'helm-controller': 'Flux',
  fluxcd: 'Flux',
  helm: 'Helm',
  Helm: 'Helm',
  Terraform: 'Terraform',
  HashiCorp: 'Terraform',
  'pulumi-kubernetes': 'Pulumi',
  kapp: 'kapp',
  'kapp-controller': 'kapp',
  fleetagent: 'Rancher Fleet',
  'fleet-agent': 'Rancher Fleet',
  eno: 'Eno',
};

/** Tools that are known by the service account under which their default installation runs. */
const BY_SERVICE_ACCOUNT: readonly [pattern: RegExp, tool: string][] = [
  [/^system:serviceaccount:[^:]+:argocd-(?:application-controller|server|applicationset-controller)$/, 'Argo CD'],
  [/^system:serviceaccount:[^:]+:(?:kustomize-controller|helm-controller)$/, 'Flux'],
  [/^system:serviceaccount:cattle-fleet-(?:local-)?system:/, 'Rancher Fleet'],
  [/^system:serviceaccount:tekton-pipelines:/, 'Tekton'],
  [/^system:serviceaccount:[^:]+:jenkins(?:-[^:]*)?$/, 'Jenkins'],
  [/^system:serviceaccount:(?:arc-runners|actions-runner-system):/, 'GitHub Actions'],
  [/^system:serviceaccount:gitlab-runner:/, 'GitLab Runner'],
];

/** Tools that write under service accounts of their own, never as whoever uses them. */
const SERVERS = new Set(['Argo CD', 'Flux']);

/** The delivery tool that a field manager is the name of; null where it is none's, such as kubectl's. */
export function toolOfManager(manager: string): string | null {
  return Object.hasOwn(BY_MANAGER, manager) ? (BY_MANAGER[manager] ?? null) : null;
}

/**
 * The delivery tool that made a change; null where it is none of them, or nobody was seen. A field manager is a claim that anybody may
 * make: of a person it is believed only where the tool runs as whoever calls it, as Helm does.
 */
export function toolOf({ manager, actor }: { manager: string; actor: Pick<Actor, 'username'> | null }): string | null {
  if (actor === null) return null;
  const tool = toolOfManager(manager);
  if (tool !== null && (!SERVERS.has(tool) || isMachine(actor.username))) return tool;
  return BY_SERVICE_ACCOUNT.find(([pattern]) => pattern.test(actor.username))?.[1] ?? null;
}

/** A commit as git shortens it; anything else as it is. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(revision) ? revision.slice(0, 7) : revision;
}

/** `shop/deploy` of `https://git.example.com/shop/deploy.git` or `git@git.example.com:shop/deploy.git`. */
export function repositoryName(url: string): string {
  return url
    .replace(/^[a-z0-9+]+:\/\/[^/]*\//i, '')
    .replace(/^[^@/]+@[^:/]+:/, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
}
