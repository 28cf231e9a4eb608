import { KubeblameError, messageOf } from '../../shared/errors.ts';
import { isObject, itemsOf } from '../../shared/json.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { ApiClient } from '../observe/api-client.ts';

/** kubeadm's own default, which names nothing. */
const UNNAMED = 'kubernetes';
const UID_DIGITS = 8;

/**
 * A name for the cluster where the operator gave none: kubeadm's, where somebody chose one there, and otherwise
 * `cluster-` and the first digits of the uid of namespace kube-system, which stays the same as long as the cluster lives.
 * Rejects as `ApiClient.get`. By lists: the server has no right to get other objects.
 */
export async function clusterName(client: ApiClient, signal: AbortSignal): Promise<string> {
  const [kubeadm, system] = await Promise.all([
    one(client, '/api/v1/namespaces/kube-system/configmaps', 'kubeadm-config', signal),
    one(client, '/api/v1/namespaces', 'kube-system', signal),
  ]);
  const data = isObject(kubeadm.data) ? kubeadm.data : {};
  const chosen = /^clusterName: *["']?([A-Za-z0-9][\w.-]*)["']?\s*$/m.exec(
    typeof data.ClusterConfiguration === 'string' ? data.ClusterConfiguration : '',
  )?.[1];
  if (chosen !== undefined && chosen !== UNNAMED) return chosen;
  const uid = metadataText(system, 'uid');
  if (uid === '') throw new KubeblameError('server-error', 'the API server shows no namespace kube-system');
  return `cluster-${uid.slice(0, UID_DIGITS)}`;
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

async function one(client: ApiClient, path: string, name: string, signal: AbortSignal): Promise<JsonObject> {
  const { items } = await client.get(`${path}?fieldSelector=metadata.name%3D${name}`, signal);
  const [first] = itemsOf(items);
  return first ?? {};
}
