import type { Operation } from '../../../shared/types.ts';

/** What a change is, as far as it decides how long it is kept. */
export interface Kind {
  group: string;
  resource: string;
  subresource: string;
  operation: Operation;
}

/** API groups whose objects say who may do what, and what the API server calls or trusts. */
const GROUPS = new Set(['rbac.authorization.k8s.io', 'admissionregistration.k8s.io', 'apiregistration.k8s.io']);

/** Acts on a pod that give whoever does them what the pod has. */
const POD_ACTS = new Set(['exec', 'attach', 'portforward']);

/**
 * Whether a change matters for security, and is therefore kept longer than others (`--retain-security`): rights, webhooks
 * and admission policies, aggregated APIs, Secrets, exec, attach and port-forward, and the deletion of namespaces.
 */
export function mattersForSecurity({ group, resource, subresource, operation }: Kind): boolean {
  if (GROUPS.has(group)) return true;
  if (group !== '') return false;
  if (resource === 'pods') return POD_ACTS.has(subresource);
  if (resource === 'namespaces') return operation === 'DELETE';
  return resource === 'secrets';
}
