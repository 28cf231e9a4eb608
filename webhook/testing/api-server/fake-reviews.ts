import { isObject } from '../../../shared/json.ts';
import type { Actor, Json, JsonObject } from '../../../shared/types.ts';

/** A right as RBAC grants it: `*` is all; without a namespace it holds in the whole cluster. */
export interface Grant {
  /** A user or a group. */
  to: string;
  verbs: string[];
  /** `secrets`, `deployments.apps`, `pods/exec`, `*`; as in RBAC, `pods` is not its subresources. */
  resources: string[];
  namespace?: string;
}

/** Answers TokenReviews and SubjectAccessReviews by what a test grants, as the API server and RBAC do. */
export class FakeReviews {
  /** All reviews so far, oldest first: their kind and spec. */
  readonly asked: { kind: string; spec: JsonObject }[] = [];
  readonly tokens = new Map<string, { user: Actor; audiences: string[] }>();
  grants: Grant[] = [];

  /** The answer to a posted review; null where it is none. */
  answer(document: Json): JsonObject | null {
    if (!isObject(document) || typeof document.kind !== 'string') return null;
    const { kind, spec } = document;
    if (spec === undefined || !isObject(spec)) return null;
    this.asked.push({ kind, spec });
    if (kind === 'TokenReview') return { ...document, status: this.tokenStatus(spec) };
    if (kind === 'SubjectAccessReview') return { ...document, status: { allowed: this.allows(spec) } };
    return null;
  }

  private tokenStatus({ token, audiences }: JsonObject): JsonObject {
    const known = typeof token === 'string' ? this.tokens.get(token) : undefined;
    const wanted = Array.isArray(audiences) ? audiences : [];
    const meant = known?.audiences.filter((audience) => wanted.includes(audience)) ?? [];
    // An authenticator that knows of no audiences accepts the token, and names none.
    const accepted = known !== undefined && (known.audiences.length === 0 || meant.length > 0);
    if (!accepted) return { error: 'invalid bearer token' };
    return { authenticated: true, user: { ...known.user }, audiences: meant };
  }

  private allows({ user, groups, resourceAttributes }: JsonObject): boolean {
    if (resourceAttributes === undefined || !isObject(resourceAttributes)) return false;
    const { verb, group, resource, subresource, namespace } = resourceAttributes as Record<string, string>;
    const type = group === '' || group === undefined ? resource : group === '*' ? '*' : `${resource}.${group}`;
    const name = subresource === undefined ? type : `${type}/${subresource}`;
    const who = [user, ...(Array.isArray(groups) ? groups : [])];
    const has = (list: string[], wanted = ''): boolean => list.includes('*') || list.includes(wanted);
    return this.grants.some(
      (grant) =>
        who.includes(grant.to) &&
        has(grant.verbs, verb) &&
        has(grant.resources, name) &&
        (grant.namespace === undefined || grant.namespace === namespace),
    );
  }
}

/** What the built-in role view gives in a namespace, with changes by aggregation; not Secrets. */
export function viewGrant(to: string, namespace?: string): Grant[] {
  const inside = namespace === undefined ? {} : { namespace };
  return [
    { to, verbs: ['list', 'get', 'watch'], resources: ['changes.kubeblame.io', 'states.kubeblame.io'], ...inside },
    {
      to,
      verbs: ['get', 'list', 'watch'],
      resources: ['configmaps', 'pods', 'services', 'namespaces', 'deployments.apps', 'replicasets.apps'],
      ...inside,
    },
    // By ClusterRole kubeblame-changes.
    { to, verbs: ['get'], resources: ['pods/eviction', 'pods/binding'], ...inside },
  ];
}
