import { isObject } from '../../../shared/json.ts';
import { ApiStatusError, type ApiWriter } from '../../platform/kubernetes/api-client.ts';
import type { ObjectRef } from '../../../shared/types.ts';
import type { Registration } from './registration.ts';
import type { MatchCondition } from './match-conditions.ts';

/*
 * What of the server's own namespace is not sent to it. Everything else in there is recorded: docs/decisions/0035.
 */

const REVIEWS = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

/**
 * The user that the API server takes us for; null where it does not tell (Kubernetes below 1.28). Rejects as
 * `ApiClient.get` for everything that may be over in a moment.
 */
export async function ownUser(client: ApiWriter, signal: AbortSignal): Promise<string | null> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  try {
    const { status } = await client.post(REVIEWS, review, signal);
    const user = isObject(status) && isObject(status.userInfo) ? status.userInfo.username : undefined;
    return typeof user === 'string' ? user : null;
  } catch (error) {
    if (error instanceof ApiStatusError && [403, 404].includes(error.status)) return null;
    throw error;
  }
}

/**
 * Leaves out what the server itself writes into its Secrets and ConfigMaps: to record a checkpoint would be a reason for
 * the next one, for ever. The same objects written by anybody else are sent.
 */
export function ownWrites(
  { namespace }: { namespace: string },
  user: string,
  secrets: readonly string[],
  configMaps: readonly string[],
): MatchCondition {
  const among = (resource: string, names: readonly string[]): string =>
    `request.resource.resource == ${quote(resource)} && request.name in ${JSON.stringify(names)}`;
  return {
    name: 'not-our-own-write',
    expression:
      `!(request.namespace == ${quote(namespace)} && request.resource.group == "" && ` +
      `request.userInfo.username == ${quote(user)} && ` +
      `((${among('secrets', secrets)}) || (${among('configmaps', configMaps)})))`,
  };
}

/**
 * Leaves out the server's StatefulSet, its pods and their claims, for everybody: for `failurePolicy: Fail`, where they
 * could not start otherwise. What is done inside of a pod (exec, port-forward) is sent.
 */
export function ownWorkload({ namespace, service: name }: { namespace: string; service: string }): MatchCondition {
  const is = (group: string, resource: string, names: string): string =>
    `(request.resource.group == ${quote(group)} && request.resource.resource == ${quote(resource)} && ${names})`;
  return {
    name: 'not-our-own-workload',
    expression:
      `!(request.namespace == ${quote(namespace)} && request.operation != "CONNECT" && (` +
      [
        is('apps', 'statefulsets', `request.name == ${quote(name)}`),
        is('apps', 'controllerrevisions', `request.name.matches(${quote(`^${name}-[a-z0-9]+$`)})`),
        is('', 'pods', `request.name.matches(${quote(`^${name}-[0-9]+$`)})`),
        is('', 'persistentvolumeclaims', `request.name.matches(${quote(`^ledger-${name}-[0-9]+$`)})`),
      ].join(' || ') +
      '))',
  };
}

/** True where an object is one that these conditions may leave out: whoever wrote it, nothing is missed without its review. */
export function isOwnObject(
  { group, resource, namespace, name }: ObjectRef,
  {
    namespace: own,
    service,
    secret,
    gatewaySecret,
  }: Pick<Registration, 'namespace' | 'service' | 'secret' | 'gatewaySecret'>,
  configMaps: readonly string[],
): boolean {
  if (namespace !== own) return false;
  if (group === '' && resource === 'secrets') return name === secret || name === gatewaySecret;
  if (group === '' && resource === 'configmaps') return configMaps.includes(name);
  const isOf = (pattern: string): boolean => new RegExp(`^${pattern}$`).test(name);
  if (group === 'apps' && resource === 'statefulsets') return name === service;
  if (group === 'apps' && resource === 'controllerrevisions') return isOf(`${service}-[a-z0-9]+`);
  if (group === '' && resource === 'pods') return isOf(`${service}-[0-9]+`);
  return group === '' && resource === 'persistentvolumeclaims' && isOf(`ledger-${service}-[0-9]+`);
}

/** JSON's strings are CEL's. */
function quote(text: string): string {
  return JSON.stringify(text);
}
