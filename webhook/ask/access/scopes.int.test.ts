import assert from 'node:assert/strict';
import { ROUTES } from '../../../shared/api.ts';
import type { ChangePage, DifferencePage, JsonObject, StatePage, UserPage } from '../../../shared/types.ts';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../testing/folder.ts';
import { ALICE, BOB, ReadAccessTest } from '../../testing/server/read-access.ts';

const AT = Date.UTC(2100, 0, 1);
const INSTANCE = 'app.kubernetes.io/instance';

describe('an application as a scope, through the API', function () {
  this.timeout(60_000);
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
    await test.recordNamespace('shop', 'ns-shop');
    await deployment('web', { [INSTANCE]: 'web', team: 'sellers' }, 'pass');
    await deployment('job', { [INSTANCE]: 'job' }, 'nowhere');
    // After web: what only its use tells is looked up at some moments of the period, at all of which web uses it.
    await test.record({ name: 'pass', resource: 'secrets', kind: 'Secret' });
  });
  afterEach(() => test.stop());

  async function deployment(name: string, labels: JsonObject, secret: string, operation = 'CREATE'): Promise<void> {
    const containers = [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: secret } }] }];
    await test.record({ name, resource: 'deployments', kind: 'Deployment', group: 'apps', operation, metadata: { labels }, body: { spec: { template: { spec: { containers } } } } }); // prettier-ignore
  }
  /** A ConfigMap; an update or deletion needs what it was before. */
  async function configMap(
    name: string,
    app: string | null,
    before?: string | null,
    operation = 'UPDATE',
  ): Promise<void> {
    // prettier-ignore
    const labelled = (value: string | null): JsonObject => (value === null ? {} : { labels: { [INSTANCE]: value } });
    const object = (value: string | null): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop', uid: `ConfigMap-shop-${name}`, ...labelled(value) } }); // prettier-ignore
    await test.record({ name, operation: before === undefined ? 'CREATE' : operation, metadata: labelled(app), ...(before === undefined ? {} : { oldObject: object(before) }) }); // prettier-ignore
  }
  async function ask<T>(token: string, route: string, query: string): Promise<T> {
    const reply = await test.as(token, `${route}?${query}`);
    assert.equal(reply.status, 200, reply.text);
    return reply.json() as unknown as T;
  }
  async function history(token: string, query: string): Promise<string[]> {
    const { changes } = await ask<ChangePage>(token, ROUTES.changes, query);
    return changes.map(({ operation, object }) => `${operation} ${object.kind} ${object.name}`);
  }

  it('has the changes of what belonged to it then: also of what left it, with the change by which it left', async () => {
    await configMap('moving', 'web');
    await configMap('moving', 'job', 'web');
    await configMap('moving', 'job', 'job', 'DELETE');
    await configMap('brief', 'web');
    await configMap('brief', 'web', 'web', 'DELETE');
    assert.deepEqual(await history(BOB, 'application=web'), [
      'DELETE ConfigMap brief',
      'CREATE ConfigMap brief',
      'UPDATE ConfigMap moving',
      'CREATE ConfigMap moving',
      'CREATE Secret pass',
      'CREATE Deployment web',
    ]);
    assert.deepEqual(await history(BOB, 'application=job'), [
      'DELETE ConfigMap moving',
      'UPDATE ConfigMap moving',
      'CREATE Deployment job',
    ]);
    assert.deepEqual(await history(BOB, 'team=sellers'), ['CREATE Deployment web']);
    assert.deepEqual(await history(BOB, 'application=web&limit=2'), ['DELETE ConfigMap brief', 'CREATE ConfigMap brief']); // prettier-ignore
    const { next } = await ask<ChangePage>(BOB, ROUTES.changes, 'application=web&limit=2');
    assert.deepEqual((await history(BOB, `application=web&limit=2&before=${next}`)), ['UPDATE ConfigMap moving', 'CREATE ConfigMap moving']); // prettier-ignore
  });

  it('is of each reader another one: an unreadable Secret is in no history, state, difference or count', async () => {
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    const told = async (token: string) => {
      const { states } = await ask<StatePage>(token, ROUTES.states, `application=web&at=${AT}`);
      const { differences } = await ask<DifferencePage>(token, ROUTES.differences, `application=web&from=0&to=${AT}`);
      const { users } = await ask<UserPage>(token, ROUTES.users, 'application=web');
      return {
        changes: await history(token, 'application=web'),
        states: states.map(({ object }) => object.name),
        differences: differences.map(({ object }) => object.name),
        counts: users.map(({ changes }) => changes),
      };
    };
    assert.deepEqual(await told(BOB), {
      changes: ['CREATE Secret pass', 'CREATE Deployment web'],
      states: ['pass', 'web'],
      differences: ['pass', 'web'],
      counts: [2],
    });
    const alice = { changes: ['CREATE Deployment web'], states: ['web'], differences: ['web'], counts: [1] };
    assert.deepEqual(await told(ALICE), alice);
    // As one that does not exist.
    assert.deepEqual(await history(ALICE, 'application=job'), ['CREATE Deployment job']);
    const [exists, absent] = [await test.as(ALICE, `${ROUTES.changes}?application=web&resource=secrets&name=pass`), await test.as(ALICE, `${ROUTES.changes}?application=web&resource=secrets&name=none`)]; // prettier-ignore
    assert.equal(exists.text, absent.text);
  });

  it('gives facts without what a reader may not read', async () => {
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    const names = async (token: string) => {
      const { objects } = await ask<{ objects: { object: { kind: string; name: string } }[] }>(token, ROUTES.facts, `at=${AT}`); // prettier-ignore
      return objects.map(({ object }) => `${object.kind} ${object.name}`).sort();
    };
    assert.deepEqual(await names(BOB), ['Deployment job', 'Deployment web', 'Namespace shop', 'Secret pass']);
    assert.deepEqual(await names(ALICE), ['Deployment job', 'Deployment web', 'Namespace shop']);
  });

  it('is refused to whoever may read no history at all', async () => {
    const reply = await test.as(ALICE, `${ROUTES.changes}?application=web`);
    assert.deepEqual([reply.status, (reply.json().error as JsonObject).code], [403, 'forbidden']);
  });

  it('follows the recorded rules, of now or of then', async () => {
    const rules = (application: string) => ({ data: { 'rules.yaml': `- {where: {name: web}, application: ${application}}\n` } }); // prettier-ignore
    await test.record({ namespace: 'kubeblame', name: 'kubeblame-rules', body: rules('first') });
    const then = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 2));
    const uid = 'ConfigMap-kubeblame-kubeblame-rules';
    await test.record({ namespace: 'kubeblame', name: 'kubeblame-rules', operation: 'UPDATE', body: rules('second'), oldObject: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'kubeblame', name: 'kubeblame-rules', uid }, ...rules('first') } }); // prettier-ignore
    const states = async (query: string) => (await ask<StatePage>(BOB, ROUTES.states, `${query}&resource=deployments&group=apps&at=${then}`)).states.map(({ object }) => object.name); // prettier-ignore
    assert.deepEqual(await states('application=second'), ['web']);
    assert.deepEqual(await states('application=first'), []);
    assert.deepEqual(await states('application=first&rulesThen=true'), ['web']);
    assert.deepEqual(await states('application=third&rules=' + encodeURIComponent('- {where: {}, application: third}')), ['job', 'web']); // prettier-ignore
  });

  it('refuses parameters that do not go together', async () => {
    for (const query of [
      'application=web&team=x',
      'rules=x',
      'rulesThen=true',
      'application=web&rulesThen=true&rules=',
    ]) {
      assert.equal((await test.as(BOB, `${ROUTES.changes}?${query}`)).status, 400, query);
    }
  });
});
