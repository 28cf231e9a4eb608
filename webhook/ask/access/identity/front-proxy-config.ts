import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../../../../shared/json.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { ApiClient } from '../../../platform/kubernetes/api-client.ts';
import { followList } from '../../../platform/kubernetes/watch/follow-list.ts';
import type { FrontProxyTrust } from './front-proxy.ts';

const CONFIG_MAPS = '/api/v1/namespaces/kube-system/configmaps';
const NAME = 'extension-apiserver-authentication';
const ONLY = `fieldSelector=${encodeURIComponent(`metadata.name=${NAME}`)}`;

export interface FrontProxyConfigOptions {
  client: ApiClient;
  /** Told at first and on every change; null where the API server has no front proxy, or the ConfigMap is gone. */
  changed: (trust: FrontProxyTrust | null) => void;
  failed: (error: unknown) => void;
  retryMs?: number;
  /** A watch without an event or bookmark for so long is taken for dead, and opened again. */
  silenceMs?: number;
}

/**
 * Follows ConfigMap kube-system/extension-apiserver-authentication, which the API server publishes for extension API
 * servers. While it cannot be read, what was last known holds. Returns what ends it.
 */
export function followFrontProxyConfig({ changed, ...options }: FrontProxyConfigOptions): () => void {
  let known: FrontProxyTrust | null | undefined;
  return followList({
    ...options,
    path: CONFIG_MAPS,
    only: ONLY,
    changed: (objects) => {
      const item = objects.find((object) => metadataText(object, 'name') === NAME);
      const trust = item === undefined ? null : trustIn(item);
      // A list every few minutes says the same: connections that were verified by it go on.
      if (known !== undefined && isDeepStrictEqual(trust, known)) return;
      known = trust;
      changed(trust);
    },
  });
}

/** What the ConfigMap says; null where it names no CA, no header for the user, or has a list that cannot be read. */
export function trustIn(configMap: JsonObject): FrontProxyTrust | null {
  const data = configMap.data !== undefined && isObject(configMap.data) ? configMap.data : {};
  const ca = data['requestheader-client-ca-file'];
  const usernames = namesIn(data, 'requestheader-username-headers');
  // Without names every certificate of the CA is allowed, so that a list which cannot be read must not count as none.
  const allowedNames = listIn(data, 'requestheader-allowed-names');
  if (typeof ca !== 'string' || !ca.includes('BEGIN CERTIFICATE')) return null;
  if (allowedNames === null || usernames.length === 0) return null;
  return {
    ca,
    allowedNames,
    headers: {
      usernames,
      uids: namesIn(data, 'requestheader-uid-headers'),
      groups: namesIn(data, 'requestheader-group-headers'),
      extraPrefixes: namesIn(data, 'requestheader-extra-headers-prefix'),
    },
  };
}

function namesIn(data: JsonObject, key: string): string[] {
  return (listIn(data, key) ?? []).map((name) => name.toLowerCase());
}

/** Lists are JSON inside of strings. Empty where there is none, null where it is none. */
function listIn(data: JsonObject, key: string): string[] | null {
  const text = data[key];
  if (text === undefined || text === '') return [];
  if (typeof text !== 'string') return null;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : null;
  } catch {
    return null;
  }
}
