import type { Predicates } from '../../record/rules/predicates.ts';

/** Of a webhook configuration. */
export type MatchCondition = Record<'name' | 'expression', string>;

/**
 * The API server takes at most 64 conditions, two of which are for our own objects (own-objects.ts). What is beyond is
 * left out by the server itself, for the price of a call.
 */
const MAX_CONDITIONS = 62;

/**
 * Conditions are compared each with each, and the API server gives an expression a bounded budget: of a node with some hundreds it ran
 * out, and the review was skipped without a word. What has more than this is sent, and the server leaves it out itself: a node has
 * four, with a problem detector some fifteen.
 */
const MAX_COMPARED = 32;

/**
 * A kubelet says every five minutes that its node is still there: a status update in which nothing differs but
 * lastHeartbeatTime. The same as shared/normalise.ts, which leaves that field out: what this sends is a change there.
 * Everything is compared, whatever fields a later Kubernetes has. CEL knows no map without a key, hence key by key.
 */
export const NOT_A_HEARTBEAT = `!(request.resource.group == "" && request.resource.resource == "nodes" && request.subResource == "status" && request.operation == "UPDATE"
  && has(object.status) && has(oldObject.status) && has(object.status.conditions) && has(oldObject.status.conditions)
  && has(object.spec) == has(oldObject.spec) && (!has(object.spec) || object.spec == oldObject.spec)
  && ${sameBut('object.metadata', 'oldObject.metadata', ['managedFields', 'resourceVersion'])}
  && ${sameBut('object.status', 'oldObject.status', ['conditions'])}
  && object.status.conditions.size() <= ${MAX_COMPARED} && object.status.conditions.size() == oldObject.status.conditions.size()
  && object.status.conditions.all(c, oldObject.status.conditions.exists(o, ${sameBut('c', 'o', ['lastHeartbeatTime'])})))`;

/** Two maps have the same keys and values, these keys aside. */
function sameBut(a: string, b: string, keys: readonly string[]): string {
  const aside = JSON.stringify(keys);
  return `${a}.all(k, k in ${aside} || (k in ${b} && ${a}[k] == ${b}[k])) && ${b}.all(k, k in ${aside} || k in ${a})`;
}

/**
 * CEL conditions for the webhook configuration, all of which must hold: what the server would leave out anyway never
 * costs a call. The list is that of the predicates themselves, so that the two cannot differ.
 */
export function matchConditions(predicates: Predicates): MatchCondition[] {
  const conditions = predicates.skippedPatterns().map((pattern, index) => ({
    // Not after the pattern: a name has 63 characters at most.
    name: `skipped-${index + 1}`,
    expression: `!(${matches(pattern)})`,
  }));
  return [{ name: 'not-a-node-heartbeat', expression: NOT_A_HEARTBEAT }, ...conditions].slice(0, MAX_CONDITIONS);
}

/** CEL for what matchesResource in capture/predicates.ts says. */
function matches(pattern: string): string {
  const [type = '', subresource] = pattern.split('/');
  const parts: string[] = [];
  if (type.includes('*')) {
    parts.push(
      matchesText(
        'request.resource.resource + (request.resource.group == "" ? "" : "." + request.resource.group)',
        type,
      ),
    );
  } else {
    const [resource = '', ...group] = type.split('.');
    parts.push(
      `request.resource.group == ${quote(group.join('.'))}`,
      `request.resource.resource == ${quote(resource)}`,
    );
  }
  if (subresource !== undefined) {
    parts.push('request.subResource != ""');
    if (subresource !== '*') parts.push(matchesText('request.subResource', subresource));
  }
  return parts.join(' && ');
}

function matchesText(value: string, pattern: string): string {
  if (!pattern.includes('*')) return `${value} == ${quote(pattern)}`;
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return `(${value}).matches(${quote(`^${expression}$`)})`;
}

/** JSON's strings are CEL's. */
function quote(text: string): string {
  return JSON.stringify(text);
}
