import { isObject, itemsOf } from '../shared/json.ts';
import type { NamedType } from '../shared/resource-types.ts';
import type { Json } from '../shared/types.ts';

/** Asks for all groups and their types at once (KEP-3352: Kubernetes 1.30, as beta 1.27). Others answer with an APIGroupList. */
export const DISCOVERY_ACCEPT = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

/** The types in an APIGroupDiscoveryList, in the API server's order of groups; none where it is something else. */
export function discoveredTypes(document: Json): NamedType[] {
  if (!isObject(document) || document.kind !== 'APIGroupDiscoveryList') return [];
  const types = new Map<string, NamedType>();
  for (const { metadata, versions } of itemsOf(document.items)) {
    const group = textOf(metadata, 'name');
    // The preferred version comes first.
    for (const version of itemsOf(versions)) {
      for (const found of itemsOf(version.resources)) {
        const [resource, kind] = [textOf(found, 'resource'), textOf(found.responseKind, 'kind')];
        const key = `${resource}.${group}`;
        if (resource === '' || kind === '' || types.has(key)) continue;
        types.set(key, {
          ...{ group, resource, kind },
          singular: textOf(found, 'singularResource') || kind.toLowerCase(),
          shortNames: textsOf(found.shortNames),
          categories: textsOf(found.categories),
          namespaced: found.scope !== 'Cluster',
        });
      }
    }
  }
  return [...types.values()];
}

function textOf(value: Json | undefined, key: string): string {
  const member = value !== undefined && isObject(value) ? value[key] : undefined;
  return typeof member === 'string' ? member : '';
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
