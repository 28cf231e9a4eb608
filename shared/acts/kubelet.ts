import { isObject } from '../json.ts';
import { isMachine } from '../machines.ts';
import type { Actor, Json, Operation } from '../types.ts';

/** What of a change tells that a kubelet made it. */
interface Request {
  operation: Operation;
  subresource: string;
  object: { group: string; resource: string };
  actor: Pick<Actor, 'username'> | null;
  options: Json;
}

/**
 * True where a kubelet reports that a pod has ended: it deletes the pod with no grace left, by its uid. kubectl always
 * sends a propagation policy too, so this holds under whatever name a kubelet runs
 * (pkg/kubelet/status/status_manager.go).
 */
export function isKubeletEnd({ operation, subresource, object, options }: Request): boolean {
  if (operation !== 'DELETE' || subresource !== '' || object.group !== '' || object.resource !== 'pods') return false;
  if (options === null || !isObject(options)) return false;
  const { gracePeriodSeconds, preconditions, propagationPolicy } = options;
  return (
    gracePeriodSeconds === 0 &&
    propagationPolicy === undefined &&
    preconditions !== undefined &&
    isObject(preconditions) &&
    typeof preconditions.uid === 'string'
  );
}

/** The pod that a kubelet requests a service account's token for; null where it is another request. */
export function podOfToken({ subresource, options }: Request): { name: string; uid: string } | null {
  const asked = subresource === 'token' && options !== null && isObject(options) ? (options.spec ?? options) : null;
  const bound = asked !== null && isObject(asked) ? asked.boundObjectRef : undefined;
  if (bound === undefined || !isObject(bound) || bound.kind !== 'Pod') return null;
  return typeof bound.name === 'string' && typeof bound.uid === 'string' ? { name: bound.name, uid: bound.uid } : null;
}

/** True for what a kubelet does, under whatever name it runs. */
export function isKubelet(request: Request): boolean {
  if (request.actor === null) return false;
  return request.actor.username.startsWith('system:node:') || isKubeletEnd(request) || podOfToken(request) !== null;
}

/** True for what a person did, and no program of Kubernetes nor a service account. */
export function isByPerson(request: Request): boolean {
  return request.actor !== null && !isMachine(request.actor.username) && !isKubelet(request);
}
