import type { OpenAttempt } from '../../capture/endings/ending.ts';
import { itemsOf } from '../../../../shared/json.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { ApiClient } from '../../../platform/kubernetes/api-client.ts';
import { pathOf, type WatchedResource } from '../../../platform/kubernetes/discovery.ts';

/*
 * What a quiet watch leaves open. The API server sends a bookmark only where something has happened since, so that a
 * request that changed nothing can be followed by silence. Then it is asked.
 */

/** The API server's word on whether one object is there, and at which version. */
export interface Look {
  /** Asked at this moment (ms). */
  at: number;
  /** '' where the object is not there. */
  resourceVersion: string;
}

/** Asks about one object by a list, which needs no right that a watch does not. Rejects as `ApiClient.get`. */
export async function look(
  client: ApiClient,
  resource: WatchedResource,
  { namespace, name, uid }: ObjectRef,
  at: number,
  signal: AbortSignal,
): Promise<Look> {
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${name.replaceAll(/[\\,=]/g, '\\$&')}` });
  const page = await client.get(`${pathOf(resource, namespace)}?${query.toString()}`, signal);
  const found = itemsOf(page.items).find((item) => metadataText(item, 'uid') === uid);
  return { at, resourceVersion: found === undefined ? '' : metadataText(found, 'resourceVersion') };
}

/**
 * True where a look shows the object as it was known before an attempt. One that shows another version says nothing: the
 * watch is about to show each version up to it, in order.
 */
export function showsNothingNew({ tip }: OpenAttempt, { resourceVersion }: Look): boolean {
  if (tip === null || tip.gone) return resourceVersion === '';
  return tip.resourceVersion !== '' && tip.resourceVersion === resourceVersion;
}
