import { deltas } from '../../shared/delta.ts';
import { diff } from '../../shared/patch.ts';
import type { Change, JsonObject, ObjectRef } from '../../shared/types.ts';

export const WEB: ObjectRef = {
  group: 'apps',
  resource: 'deployments',
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: '6dc322c9-b4b8-4d72-acfe-ba75dd438b90',
};

/** A Deployment's body, with what the tests vary. */
export function deployment(image: string, replicas: number): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', generation: replicas },
    spec: { replicas, template: { spec: { containers: [{ name: 'nginx', image }] } } },
  };
}

/** A change from one body to another, by a person, as the recording has them; `more` overrides. */
export function change(before: JsonObject | null, after: JsonObject | null, more: Partial<Change> = {}): Change {
  const at = Date.parse('2026-11-22T05:06:02.139Z');
  const effect = before === null ? 'created' : after === null ? 'deleted' : 'modified';
  return {
    seq: 7,
    at,
    object: WEB,
    operation: before === null ? 'CREATE' : after === null ? 'DELETE' : 'UPDATE',
    subresource: '',
    source: 'admission',
    actor: { username: 'alice@example.com', groups: ['dev-team'] },
    manager: 'kubectl-client-side-apply',
    effect,
    statusOnly: false,
    outcome: 'committed',
    outcomeReason: '',
    resourceVersion: '600',
    baseResourceVersion: '599',
    reviewUid: '5f2d87b8-8bac-40fb-811b-e957d04d6607',
    options: null,
    cause: null,
    notBefore: at,
    gap: '',
    managersHint: [],
    patch: diff(before, after),
    deltas: deltas(before, after),
    before,
    after,
    ...more,
  };
}
