import { NATIVE_API } from '../../../shared/api.ts';
import { isObject, itemsOf } from '../../../shared/json.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import type { ApiClient } from './api-client.ts';

/** A resource that can be listed and watched, in its group's preferred version. */
export interface WatchedResource {
  group: string;
  version: string;
  resource: string;
  kind: string;
}

export interface Discovered {
  resources: WatchedResource[];
  /** Groups that could not be asked, such as an aggregated API that is down. What is known of them stays. */
  failed: { group: string; error: unknown }[];
}

/** `/api/v1/pods`, `/apis/apps/v1/deployments`, or those of one namespace: `/api/v1/namespaces/shop/pods`. */
export function pathOf({ group, version, resource }: WatchedResource, namespace = ''): string {
  const within = namespace === '' ? '' : `/namespaces/${namespace}`;
  return `${group === '' ? `/api/${version}` : `/apis/${group}/${version}`}${within}/${resource}`;
}

/**
 * All resources that the API server offers to list and watch, but our own: a change that was recorded as an object would
 * be a new change, without an end. Rejects where the API server cannot be asked at all.
 */
export async function discover(client: ApiClient, signal: AbortSignal): Promise<Discovered> {
  const others = itemsOf((await client.get('/apis', signal)).groups).filter(({ name }) => name !== NATIVE_API.group);
  const groups = others.flatMap((group) => {
    const versions = itemsOf(group.versions).map((version) => text(version.version));
    const preferred = isObject(group.preferredVersion) ? text(group.preferredVersion.version) : '';
    // The preferred version first: a resource that it lacks is taken from another one.
    return [
      { group: text(group.name), versions: [...new Set([preferred, ...versions])].filter((version) => version !== '') },
    ];
  });
  const resources: WatchedResource[] = [];
  const failed: Discovered['failed'] = [];
  for (const { group, versions } of [{ group: '', versions: ['v1'] }, ...groups]) {
    try {
      const known = new Set<string>();
      for (const version of versions) {
        const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
        for (const found of watchable(await client.get(path, signal), group, version)) {
          if (known.has(found.resource)) continue;
          known.add(found.resource);
          resources.push(found);
        }
      }
    } catch (error) {
      if (group === '') throw error;
      failed.push({ group, error });
    }
  }
  return { resources, failed };
}

function watchable(document: JsonObject, group: string, version: string): WatchedResource[] {
  return itemsOf(document.resources).flatMap((entry) => {
    const [resource, kind] = [text(entry.name), text(entry.kind)];
    const verbs = Array.isArray(entry.verbs) ? entry.verbs : [];
    const usable = resource !== '' && !resource.includes('/') && verbs.includes('list') && verbs.includes('watch');
    return usable ? [{ group, version, resource, kind }] : [];
  });
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
