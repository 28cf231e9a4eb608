import { BUILT_IN_TYPES } from '../built-in-types.ts';
import { apiVersionOf } from '../normalise.ts';
import type { JsonObject } from '../types.ts';

/** A place in an object as a pattern of keys; `*` stands for every key and every place of a list. */
export type Pattern = readonly string[];

/** Where each kind of Kubernetes' own has the spec of a pod. */
const POD_SPECS: Record<string, string> = {
  Pod: 'spec',
  PodTemplate: 'template.spec',
  ReplicationController: 'spec.template.spec',
  Deployment: 'spec.template.spec',
  ReplicaSet: 'spec.template.spec',
  StatefulSet: 'spec.template.spec',
  DaemonSet: 'spec.template.spec',
  Job: 'spec.template.spec',
  CronJob: 'spec.jobTemplate.spec.template.spec',
};

const GROUPS = new Set(BUILT_IN_TYPES.map(({ group, kind }) => `${kind}.${group}`));

/** The kind of an object of Kubernetes itself; null for a custom resource, about whose fields nothing is known. */
export function builtInKind(body: JsonObject): string | null {
  const apiVersion = apiVersionOf(body);
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const kind = typeof body.kind === 'string' ? body.kind : '';
  return GROUPS.has(`${kind}.${group}`) ? kind : null;
}

/** Where a kind has the spec of a pod, as a prefix of paths: `spec.template.spec.`; null where it has none. */
export function podSpecOf(kind: string): string | null {
  return Object.hasOwn(POD_SPECS, kind) ? `${POD_SPECS[kind]}.` : null;
}

/** True where a place (keys and places) is one that the pattern means. */
export function matches(pattern: Pattern, at: readonly string[]): boolean {
  return pattern.length === at.length && pattern.every((key, index) => key === '*' || key === at[index]);
}

/** The patterns of a path: `spec.{limits,requests}.*` is two. */
export function patternsOf(path: string): Pattern[] {
  const [whole, before = '', choices = '', after = ''] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (whole === undefined) return [path.split('.')];
  return choices.split(',').flatMap((choice) => patternsOf(before + choice + after));
}
