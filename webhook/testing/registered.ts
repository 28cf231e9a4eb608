import { Agent, request } from 'node:https';
import { isObject, stringifyJson } from '../../shared/json.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { Address } from '../config/config.ts';
import type { FakeApiServer, ServedType } from './api-server.ts';

export const CONFIGURATIONS: ServedType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
};
export const SECRETS: ServedType = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' };
export const NAMESPACES: ServedType = { group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace' };
export const API_SERVICES: ServedType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
  kind: 'APIService',
};

/** Where the API server calls a webhook, and whom it trusts there: as its configuration says. */
export interface Registered {
  host: string;
  path: string;
  ca: string;
}

/** The webhook configuration that a server has made; null while there is none. */
export function registeredAt(api: FakeApiServer, name = 'kubeblame'): Registered | null {
  const configuration = api.find('validatingwebhookconfigurations.admissionregistration.k8s.io', '', name);
  const [webhook] = Array.isArray(configuration?.webhooks) ? configuration.webhooks : [];
  if (!isObject(webhook) || !isObject(webhook.clientConfig) || !isObject(webhook.clientConfig.service)) return null;
  const { service, caBundle } = webhook.clientConfig as { service: Record<string, string>; caBundle: string };
  return {
    host: `${service.name}.${service.namespace}.svc`,
    path: service.path ?? '',
    ca: Buffer.from(caBundle, 'base64').toString(),
  };
}

/** Calls the webhook as the API server does: by the name of its Service, with the CA of the bundle alone, anew. */
export function callWebhook(address: Address, { host, path, ca }: Registered, review: JsonObject): Promise<number> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 0 });
    const headers = { 'Content-Type': 'application/json' };
    const options = { ...address, servername: host, path: `${path}?timeout=3s`, method: 'POST', ca, headers, agent };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(stringifyJson(review));
  });
}
