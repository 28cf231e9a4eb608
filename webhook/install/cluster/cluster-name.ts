import { messageOf } from '../../../shared/errors.ts';
import { isObject, itemsOf } from '../../../shared/json.ts';
import { metadataText } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { ApiStatusError, type ApiClient } from '../../platform/kubernetes/api-client.ts';

/** kubeadm's own default, which names nothing: also for a cluster that shows nothing better. */
export const UNNAMED_CLUSTER = 'kubernetes';
const UID_DIGITS = 8;

/**
 * A name for the cluster where the operator gave none: kubeadm's, where somebody chose one there, and otherwise
 * `cluster-` and the first digits of the uid of namespace kube-system, which stays the same as long as the cluster lives.
 * Where we may see neither, `kubernetes`. Rejects as `ApiClient.get` for what may be over in a moment. By lists: the server
 * has no right to get other objects.
 */
export async function clusterName(client: ApiClient, signal: AbortSignal): Promise<string> {
  const [kubeadm, system] = await Promise.all([
    one(client, '/api/v1/namespaces/kube-system/configmaps', 'kubeadm-config', signal),
    one(client, '/api/v1/namespaces', 'kube-system', signal),
  ]);
  const data = isObject(kubeadm.data) ? kubeadm.data : {};
  const text = typeof data.ClusterConfiguration === 'string' ? data.ClusterConfiguration : '';
  const chosen = /^clusterName: *["']?([A-Za-z0-9][\w.-]*)["']?\s*$/m.exec(text)?.[1];
  if (chosen !== undefined && chosen !== UNNAMED_CLUSTER) return chosen;
  const uid = metadataText(system, 'uid');
  return uid === '' ? UNNAMED_CLUSTER : `cluster-${uid.slice(0, UID_DIGITS)}`;
}

/** The same, waiting for an API server that does not answer yet. `failed` is told why, each time. */
export async function clusterNameWhenThere(
  client: ApiClient,
  everyMs: number,
  failed: (reason: string) => void,
): Promise<string> {
  for (;;) {
    try {
      return await clusterName(client, new AbortController().signal);
    } catch (error) {
      failed(messageOf(error));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}

/** The object; an empty one where there is none, or we may not see it. */
async function one(client: ApiClient, path: string, name: string, signal: AbortSignal): Promise<JsonObject> {
  try {
    const { items } = await client.get(`${path}?fieldSelector=metadata.name%3D${name}`, signal);
    return itemsOf(items)[0] ?? {};
  } catch (error) {
    if (error instanceof ApiStatusError && [403, 404].includes(error.status)) return {};
    throw error;
  }
}
