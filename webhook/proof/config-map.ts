import type { JsonObject } from '../../shared/types.ts';

export interface ConfigMapName {
  namespace: string;
  name: string;
}

/** Of the cluster: what is needed of it. */
export interface Applier {
  apply(path: string, object: JsonObject, signal: AbortSignal): Promise<void>;
}

const APPLY_TIMEOUT_MS = 10_000;

/** Keeps the newest checkpoint in a config map, key `checkpoint`: whoever may read that has a copy. */
export function configMapPublisher(
  { namespace, name }: ConfigMapName,
  client: Applier,
): (note: string) => Promise<void> {
  return async (note) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { checkpoint: note } };
    await client.apply(path, object, AbortSignal.timeout(APPLY_TIMEOUT_MS));
  };
}
