import { isObject, itemsOf } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { ApiClient } from '../../platform/kubernetes/api-client.ts';

/**
 * The names of the pods that are ready behind a Service, by its EndpointSlices; '' for an endpoint that is no pod. Rejects
 * as `ApiClient.get`.
 */
export async function readyPods(
  client: ApiClient,
  namespace: string,
  service: string,
  signal: AbortSignal,
): Promise<string[]> {
  const selector = encodeURIComponent(`kubernetes.io/service-name=${service}`);
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?labelSelector=${selector}`;
  const slices = itemsOf((await client.get(path, signal)).items);
  return slices.flatMap(({ endpoints }) => itemsOf(endpoints).filter(isReady).map(podOf));
}

/** As Kubernetes has it: unknown counts as ready. A pod that is being stopped is not. */
function isReady({ conditions }: JsonObject): boolean {
  return !isObject(conditions) || conditions.ready !== false;
}

function podOf({ targetRef }: JsonObject): string {
  return isObject(targetRef) && targetRef.kind === 'Pod' && typeof targetRef.name === 'string' ? targetRef.name : '';
}
