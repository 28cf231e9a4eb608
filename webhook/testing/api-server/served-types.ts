import type { ServerResponse } from 'node:http';
import type { JsonObject, ResourceType } from '../../../shared/types.ts';
import { metadataText } from '../../../shared/normalise.ts';
import { send, sendStatus } from './responses.ts';

/** A resource that the server offers. */
export interface ServedType extends ResourceType {
  version: string;
}

export const CONFIG_MAPS: ServedType = { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap' };

/** `plural`, or `plural.group`. */
export function typeName({ group, resource }: Pick<ServedType, 'group' | 'resource'>): string {
  return group === '' ? resource : `${resource}.${group}`;
}

/** What an object is called among those of its type. */
export function keyOf(object: JsonObject): string {
  return `${metadataText(object, 'namespace')}/${metadataText(object, 'name')}`;
}

/**
 * Answers `/apis`, and the documents of groups. `emptyGroups`: with their versions, those that are named and whose own document is
 * answered with 503.
 */
export function discover(
  types: readonly ServedType[],
  emptyGroups: ReadonlyMap<string, string>,
  path: string,
  response: ServerResponse,
): void {
  const [, root, group = '', version = ''] = path.split('/');
  if (path === '/apis') {
    const versions = new Map(types.map((type) => [type.group, type.version]));
    versions.delete('');
    const groups = [...versions, ...emptyGroups].map(([name, preferred]) => {
      const entry = { groupVersion: `${name}/${preferred}`, version: preferred };
      return { name, versions: [entry], preferredVersion: entry };
    });
    return send(response, { kind: 'APIGroupList', apiVersion: 'v1', groups });
  }
  if (root === 'apis' && emptyGroups.has(group)) return sendStatus(response, 503, 'service unavailable');
  const offered = types.filter((type) =>
    root === 'api' ? type.group === '' && type.version === group : type.group === group && type.version === version,
  );
  if (offered.length === 0 && root !== 'api') return sendStatus(response, 404, 'there is no such group');
  send(response, {
    kind: 'APIResourceList',
    groupVersion: root === 'api' ? group : `${group}/${version}`,
    resources: offered.flatMap(({ resource, kind }) => [
      { name: resource, kind, namespaced: true, verbs: ['get', 'list', 'watch', 'create', 'update', 'delete'] },
      { name: `${resource}/status`, kind, namespaced: true, verbs: ['get', 'update'] },
    ]),
  });
}
