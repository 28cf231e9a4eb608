import assert from 'node:assert/strict';
import { normalise } from '../../../shared/normalise.ts';
import type { Json, JsonObject, ObjectRef } from '../../../shared/types.ts';
import { RegistrationWatch } from './coverage.ts';

const TYPE = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
};
const ours: ObjectRef = { ...TYPE, namespace: '', name: 'kubeblame', uid: 'u-1' };
const WEBHOOK: JsonObject = {
  rules: [
    {
      apiGroups: ['*'],
      apiVersions: ['*'],
      resources: ['*/*'],
      operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
      scope: '*',
    },
  ],
  clientConfig: { url: 'https://127.0.0.1:8443/admit', caBundle: 'one' },
  // As the API server fills it in.
  namespaceSelector: {},
  objectSelector: {},
};
const written = (manager: string, second: number): Json => ({
  manager,
  time: `2026-11-22T05:00:${String(second).padStart(2, '0')}Z`,
});

describe('watching the registration', () => {
  let told: string[];
  let watch: RegistrationWatch;
  beforeEach(() => {
    told = [];
    watch = new RegistrationWatch('kubeblame', async (event, detail) => {
      told.push(detail === '' ? event : `${event}: ${detail}`);
    });
  });

  const show = (webhook: JsonObject, managedFields: Json[] = [written('kubectl', 1)]): Promise<void> =>
    watch.observe(ours, normalise({ metadata: { name: 'kubeblame', managedFields }, webhooks: [webhook] }));
  const listed = (...uids: string[]): Promise<void> => watch.observeList(TYPE, new Set(uids));

  it('tells once that it is registered', async () => {
    await show({ ...WEBHOOK, name: 'record.example.com' });
    assert.deepEqual(watch.names, ['record.example.com']);
    await show(WEBHOOK);
    await listed('u-1');
    assert.deepEqual(told, ['registered']);
  });

  it('tells that there is none', async () => {
    await watch.observe({ ...ours, name: 'other' }, normalise({ metadata: {}, webhooks: [] }));
    await listed('u-9');
    assert.deepEqual(told, ['unregistered: there is no webhook configuration kubeblame']);
  });

  it('tells of its deletion, whether a watch or a list shows it, and who changed it last', async () => {
    const deleted = 'unregistered: webhook configuration kubeblame was deleted (last changed by kubectl-edit)';
    const managers = [written('kubectl', 1), written('kubectl-edit', 2)];
    await show(WEBHOOK, managers);
    await watch.observeGone(ours);
    await show(WEBHOOK, managers);
    await listed();
    assert.deepEqual(told, ['registered', deleted, 'registered', deleted]);
  });

  it('names the manager that narrowed it', async () => {
    const narrowed =
      'unregistered: webhook configuration kubeblame no longer sends everything (changed by kubectl-patch)';
    const [rule] = WEBHOOK.rules as JsonObject[];
    const cases: JsonObject[] = [
      { rules: [] },
      { rules: [{ ...rule, operations: ['CREATE', 'UPDATE', 'DELETE'] }] },
      { rules: [{ ...rule, resources: ['*'] }] },
      { rules: [{ ...rule, apiGroups: ['apps'] }] },
      { rules: [{ ...rule, scope: 'Namespaced' }] },
      { objectSelector: { matchLabels: { audit: 'yes' } } },
      { namespaceSelector: { matchLabels: { audit: 'yes' } } },
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['a'] }],
        },
      },
      { matchConditions: [{ name: 'not-bob', expression: "request.userInfo.username != 'bob'" }] },
    ];
    for (const [index, change] of cases.entries()) {
      await show(WEBHOOK);
      // In the same second, and with an older entry that has not changed.
      await show({ ...WEBHOOK, ...change }, [written('kubectl', 1), written('kubectl-patch', 1)]);
      assert.deepEqual(told.splice(0), ['registered', narrowed], String(index));
    }
  });

  it('does not name whom a field was taken from', async () => {
    await show(WEBHOOK);
    const shrunk: Json = { manager: 'kubectl', time: '2026-11-22T05:00:01Z', fieldsV1: {} };
    await show({ ...WEBHOOK, rules: [] }, [shrunk, written('saboteur', 1)]);
    assert.match(told[1] ?? '', / \(changed by saboteur\)$/);
  });

  it('takes a namespace that is left out by name, and a new CA, for no gap', async () => {
    const own = [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kubeblame'] }];
    await show({ ...WEBHOOK, namespaceSelector: { matchExpressions: own } });
    await show({ ...WEBHOOK, clientConfig: { url: 'https://127.0.0.1:8443/admit', caBundle: 'two' } });
    assert.deepEqual(told, ['registered']);
  });

  it('tells when reviews go elsewhere, and when they come back', async () => {
    await show(WEBHOOK);
    await show({ ...WEBHOOK, clientConfig: { url: 'https://elsewhere/admit' } }, [written('helm', 3)]);
    await show(WEBHOOK);
    assert.deepEqual(told, [
      'registered',
      'unregistered: webhook configuration kubeblame no longer calls this server (changed by helm)',
      'registered',
    ]);
  });
});
