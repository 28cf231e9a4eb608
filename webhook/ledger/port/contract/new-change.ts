import { diff, hashBody } from '../../../../shared/patch.ts';
import { SETTINGS } from '../../../../shared/testing/reviews.ts';
import type { NewChange } from '../port.ts';

/** A change for tests: the creation of a ConfigMap. */
export function newChange(seq: number, values: Partial<NewChange> = {}): NewChange {
  const body = { metadata: { name: 'settings' }, data: { seq } };
  return {
    seq,
    at: 1_000 * seq,
    object: SETTINGS,
    operation: 'CREATE',
    subresource: '',
    source: 'admission',
    actor: { username: 'alice@example.com', groups: ['dev-team'] },
    manager: 'kubectl',
    effect: 'created',
    statusOnly: false,
    late: false,
    parent: null,
    depth: 0,
    apiVersion: 'v1',
    baseResourceVersion: '',
    resourceVersion: '',
    reviewUid: `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`,
    hash: hashBody(body),
    detail: { patch: diff(null, body), options: null, cause: null, notBefore: null, managersHint: [] },
    bodySnapshot: null,
    ...values,
  };
}
