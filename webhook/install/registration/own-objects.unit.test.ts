import assert from 'node:assert/strict';
import { parse } from '@marcbachmann/cel-js';
import { isObject } from '../../../shared/json.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import { ApiStatusError, type ApiWriter } from '../../platform/kubernetes/api-client.ts';
import type { MatchCondition } from './match-conditions.ts';
import { ownUser, ownWorkload, ownWrites } from './own-objects.ts';

const SERVER = 'system:serviceaccount:audit:kubeblame';

/** What the API server does with a condition: it sends a request for which it holds. */
function sends({ expression }: MatchCondition, options: ReviewOptions): boolean {
  const { request } = reviewDocument({ namespace: 'audit', ...options });
  assert.ok(isObject(request));
  return parse(expression)({ request: { subResource: '', ...request } }) === true;
}

describe('what is not sent of the own namespace', () => {
  describe('of what the server writes', () => {
    const condition = ownWrites({ namespace: 'audit' }, SERVER, ['kubeblame-tls', 'kubeblame-gateway-tls'], ['kept']);
    const secret = { resource: 'secrets', username: SERVER };
    const cases: [what: string, options: ReviewOptions, sent: boolean][] = [
      ['its Secret', { ...secret, name: 'kubeblame-tls' }, false],
      ['the Secret of its gateways', { ...secret, name: 'kubeblame-gateway-tls' }, false],
      ['its checkpoint', { resource: 'configmaps', name: 'kept', username: SERVER }, false],
      ['its Secret, by somebody else', { resource: 'secrets', name: 'kubeblame-tls', username: 'mallory' }, true],
      ['its checkpoint, by somebody else', { resource: 'configmaps', name: 'kept', username: 'mallory' }, true],
      ['another Secret, with its token', { ...secret, name: 'planted' }, true],
      ['a ConfigMap of the name of its Secret', { ...secret, resource: 'configmaps', name: 'kubeblame-tls' }, true],
      ['a Secret of the name in another namespace', { ...secret, name: 'kubeblame-tls', namespace: 'shop' }, true],
      ['a custom resource of the name', { ...secret, group: 'example.com', name: 'kubeblame-tls' }, true],
      ['a RoleBinding', { group: 'rbac.authorization.k8s.io', resource: 'rolebindings', username: SERVER }, true],
    ];
    for (const [what, options, sent] of cases)
      it(`${what} is ${sent ? '' : 'not '}sent`, () => assert.equal(sends(condition, options), sent));
  });

  describe('of its workload, where a request is refused that gets no answer', () => {
    const condition = ownWorkload({ namespace: 'audit', service: 'kubeblame' });
    const pod = { resource: 'pods', name: 'kubeblame-0' };
    const cases: [what: string, options: ReviewOptions, sent: boolean][] = [
      ['its pod', pod, false],
      ['the status of its pod', { ...pod, operation: 'UPDATE', subResource: 'status' }, false],
      ['its StatefulSet', { group: 'apps', resource: 'statefulsets', name: 'kubeblame' }, false],
      ['a revision of it', { group: 'apps', resource: 'controllerrevisions', name: 'kubeblame-6b8f9d' }, false],
      ['its claim', { resource: 'persistentvolumeclaims', name: 'ledger-kubeblame-0' }, false],
      ['an exec into its pod', { ...pod, operation: 'CONNECT', subResource: 'exec' }, true],
      ['a pod beside it', { ...pod, name: 'kubeblame-0-shell' }, true],
      ['a pod of a gateway', { ...pod, name: 'kubeblame-gateway-7c9f-abcde' }, true],
      ['a pod of the name in another namespace', { ...pod, namespace: 'shop' }, true],
      ['a Deployment of the name', { group: 'apps', resource: 'deployments', name: 'kubeblame' }, true],
      ['a Secret', { resource: 'secrets', name: 'kubeblame-0' }, true],
    ];
    for (const [what, options, sent] of cases)
      it(`${what} is ${sent ? '' : 'not '}sent`, () => assert.equal(sends(condition, options), sent));
  });

  it('depends on whom the API server takes the server for; where it does not tell, nothing is left out', async () => {
    const client = (post: ApiWriter['post']): ApiWriter => ({
      post,
      put: () => Promise.reject(new Error('not asked')),
      remove: () => Promise.reject(new Error('not asked')),
    });
    const { signal } = new AbortController();
    const answers = client(() => Promise.resolve({ status: { userInfo: { username: SERVER } } }));
    assert.equal(await ownUser(answers, signal), SERVER);
    const old = client(() => Promise.reject(new ApiStatusError(404, 'there is no such resource')));
    assert.equal(await ownUser(old, signal), null);
    const busy = client(() => Promise.reject(new ApiStatusError(503, 'not now')));
    await assert.rejects(ownUser(busy, signal), { status: 503 });
  });
});
