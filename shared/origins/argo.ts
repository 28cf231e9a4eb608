import { isObject, memberOf } from '../json.ts';
import type { Json, JsonObject } from '../types.ts';
import type { OriginSource } from './types.ts';

/** An operation of an Application of Argo CD, as its body tells it. */
export interface ArgoOperation {
  /** A user of Argo CD; '' where it names none. */
  username: string;
  automated: boolean;
  sources: OriginSource[];
  /** True where it delivers again what was delivered already. */
  again: boolean;
  /** What alone it syncs; null for all. */
  only: { group: string; kind: string; namespace: string; name: string }[] | null;
}

const UNDER_WAY = new Set(['Running', 'Terminating']);

/**
 * The operation that an Application asks for (`operation`) or that is under way (`status.operationState`); null where there is
 * neither. Argo CD takes `operation` away when it begins (util/argo: SetAppOperation; controller/appcontroller.go).
 */
export function argoOperation(application: JsonObject): ArgoOperation | null {
  const asked = objectAt(application, 'operation');
  const state = objectAt(application, 'status', 'operationState');
  const phase = textAt(state, 'phase');
  const operation = asked ?? (UNDER_WAY.has(phase) ? objectAt(state, 'operation') : null);
  if (operation === null) return null;
  return read(application, operation);
}

/** The operation that ended last, and when (ms); null where there is none. */
export function argoFinished(
  application: JsonObject,
): { operation: ArgoOperation; finishedAt: number; succeeded: boolean } | null {
  const state = objectAt(application, 'status', 'operationState');
  const operation = objectAt(state, 'operation');
  const finishedAt = Date.parse(textAt(state, 'finishedAt'));
  if (operation === null || Number.isNaN(finishedAt) || UNDER_WAY.has(textAt(state, 'phase'))) return null;
  return { operation: read(application, operation), finishedAt, succeeded: textAt(state, 'phase') === 'Succeeded' };
}

/** True where Argo CD syncs it by itself, and where it also takes back what others change. */
export function argoAutomation(application: JsonObject): { automated: boolean; selfHeal: boolean } {
  const automated = objectAt(application, 'spec', 'syncPolicy', 'automated');
  return {
    automated: automated !== null && automated.enabled !== false,
    selfHeal: automated !== null && automated.enabled !== false && automated.selfHeal === true,
  };
}

function read(application: JsonObject, operation: JsonObject): ArgoOperation {
  const sync = objectAt(operation, 'sync');
  const initiated = objectAt(operation, 'initiatedBy');
  const username = textAt(initiated, 'username');
  const sources = sourcesOf(application, sync);
  const [first] = sources;
  const delivered = lastDelivered(application);
  return {
    ...{ username, sources },
    automated: initiated?.automated === true && username === '',
    again: first !== undefined && first.revision !== '' && delivered.includes(first.revision),
    only: onlyOf(sync),
  };
}

/** Each source of the Application (or of the sync, which may have its own), with the revision that the operation delivers. */
function sourcesOf(application: JsonObject, sync: JsonObject | null): OriginSource[] {
  const several = listAt(sync, 'sources') ?? listAt(application, 'spec', 'sources');
  const one = objectAt(sync, 'source') ?? objectAt(application, 'spec', 'source');
  const sources = several !== null && several.length > 0 ? several.filter(isObject) : one === null ? [] : [one];
  const revisions = listAt(sync, 'revisions') ?? [];
  return sources.map((source, index) => {
    const own = revisions[index];
    const revision = typeof own === 'string' ? own : index === 0 ? textAt(sync, 'revision') : '';
    const [name, version] = [textAt(source, 'chart'), revision === '' ? textAt(source, 'targetRevision') : revision];
    return {
      repository: textAt(source, 'repoURL'),
      path: textAt(source, 'path').replace(/^\.\//, ''),
      chart: name === '' ? '' : `${name}-${version}`,
      revision,
    };
  });
}

/** The revisions of the last delivery that succeeded. */
function lastDelivered(application: JsonObject): string[] {
  const last = listAt(application, 'status', 'history')?.filter(isObject).at(-1) ?? null;
  const revisions = (listAt(last, 'revisions') ?? []).filter((each) => typeof each === 'string');
  return [textAt(last, 'revision'), ...revisions].filter((each) => each !== '');
}

function onlyOf(sync: JsonObject | null): ArgoOperation['only'] {
  const resources = listAt(sync, 'resources');
  if (resources === null || resources.length === 0) return null;
  return resources.filter(isObject).map((each) => ({
    group: textAt(each, 'group'),
    kind: textAt(each, 'kind'),
    namespace: textAt(each, 'namespace'),
    name: textAt(each, 'name'),
  }));
}

/** The member at a path where it is an object; null otherwise. */
export function objectAt(value: JsonObject | null, ...path: string[]): JsonObject | null {
  const found = memberOf(value ?? undefined, ...path);
  return isObject(found) ? found : null;
}

/** The text at a path; '' where there is none. */
export function textAt(value: JsonObject | null, ...path: string[]): string {
  const found = memberOf(value ?? undefined, ...path);
  return typeof found === 'string' ? found : '';
}

function listAt(value: JsonObject | null, ...path: string[]): Json[] | null {
  const found = memberOf(value ?? undefined, ...path);
  return Array.isArray(found) ? found : null;
}
