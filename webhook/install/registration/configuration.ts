import { isDeepStrictEqual } from 'node:util';
import { ADMISSION_PATH } from '../../record/gate/endpoint/callers.ts';
import { isObject } from '../../../shared/json.ts';
import { metadataOf } from '../../../shared/normalise.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import { LABELS } from '../certificates/stored-secret.ts';

/** What the API server calls the webhook in its log and metrics. */
export const WEBHOOK_NAME = 'record.kubeblame.io';

export const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** What the operator decides about the webhook. */
export interface WebhookOptions {
  /** What becomes of a request where the server does not answer: it goes on unrecorded, or is refused. */
  failurePolicy: 'Ignore' | 'Fail';
  /** How long a request waits for the server. */
  timeoutSeconds: number;
  /** Which namespaces and objects send reviews; {} for all. */
  namespaceSelector: JsonObject;
  objectSelector: JsonObject;
}

/** Never in the cluster's way: without an answer within a second the request goes on, and is not recorded. */
export const USUAL_WEBHOOK: WebhookOptions = {
  failurePolicy: 'Ignore',
  timeoutSeconds: 1,
  namespaceSelector: {},
  objectSelector: {},
};

/** What differs between one installation's webhook configuration and another's. */
export interface ConfigurationOptions {
  name: string;
  namespace: string;
  service: string;
  servicePort: number;
  /** '' where the path needs none. */
  pathSecret: string;
  /** PEM of all authorities that count. */
  caBundle: string;
  webhook: WebhookOptions;
  matchConditions: JsonObject[];
}

/**
 * The webhooks of our ValidatingWebhookConfiguration. Every field is said, also where it is the default: so what the API
 * server shows is equal to it, or somebody has changed it.
 */
export function webhooks(options: ConfigurationOptions): JsonObject[] {
  const { namespace, service, servicePort, pathSecret, caBundle, webhook, matchConditions } = options;
  const { failurePolicy, timeoutSeconds, namespaceSelector, objectSelector } = webhook;
  return [
    {
      name: WEBHOOK_NAME,
      admissionReviewVersions: ['v1'],
      clientConfig: {
        service: {
          namespace,
          name: service,
          port: servicePort,
          path: pathSecret === '' ? ADMISSION_PATH : `${ADMISSION_PATH}/${pathSecret}`,
        },
        caBundle: Buffer.from(caBundle).toString('base64'),
      },
      rules: [
        {
          apiGroups: ['*'],
          apiVersions: ['*'],
          // Subresources too: status, scale, binding, exec, ...
          resources: ['*/*'],
          operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
          scope: '*',
        },
      ],
      failurePolicy,
      timeoutSeconds,
      // A dry run is answered, and not recorded.
      sideEffects: 'NoneOnDryRun',
      // Also requests through another version of the same resource.
      matchPolicy: 'Equivalent',
      namespaceSelector,
      objectSelector,
      matchConditions,
    },
  ];
}

/** The whole configuration, new. `owner`: it goes with the namespace, so that removing that leaves nothing behind. */
export function newConfiguration(options: ConfigurationOptions, owner: JsonObject | null): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: {
      name: options.name,
      labels: LABELS,
      ...(owner === null ? {} : { ownerReferences: [owner] }),
    },
    webhooks: webhooks(options),
  };
}

/** What has to be written over a configuration of the cluster; null where it is as it should be. */
export function repaired(
  found: JsonObject,
  options: ConfigurationOptions,
  owner: JsonObject | null,
): JsonObject | null {
  const wanted = newConfiguration(options, owner);
  const metadata = metadataOf(found);
  const owned = owner === null || isDeepStrictEqual(metadata.ownerReferences, [owner]);
  if (owned && isDeepStrictEqual(found.webhooks, wanted.webhooks)) return null;
  const { ownerReferences } = metadataOf(wanted);
  // Labels and annotations of others are theirs.
  const kept = ownerReferences === undefined ? metadata : { ...metadata, ownerReferences };
  return { ...found, metadata: kept, webhooks: wanted.webhooks ?? [] };
}

/**
 * What is wrong with a configuration, '' for nothing: whether it sends all reviews to a server that takes any of these
 * paths, and that proves itself by a certificate of this authority. So it may be in the middle of a rotation.
 */
export function faultOf(
  found: JsonObject,
  options: ConfigurationOptions,
  pathSecrets: readonly string[],
  authority: string,
): string {
  const [first] = Array.isArray(found.webhooks) ? found.webhooks : [];
  const clientConfig = isObject(first) && isObject(first.clientConfig) ? first.clientConfig : {};
  const caBundle = Buffer.from(textOf(clientConfig.caBundle), 'base64').toString();
  const rightOnes = pathSecrets.map((pathSecret) => webhooks({ ...options, pathSecret, caBundle }));
  if (caBundle.includes(authority.trim()) && rightOnes.some((right) => isDeepStrictEqual(found.webhooks, right)))
    return '';
  const [like] = rightOnes;
  const isAllButCalled = isDeepStrictEqual(
    found.webhooks,
    like?.map((webhook) => ({ ...webhook, clientConfig })),
  );
  return isAllButCalled ? 'no longer calls this server' : 'no longer sends everything';
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}
