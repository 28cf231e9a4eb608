import assert from 'node:assert/strict';
import { ROUTES } from '../../../shared/api.ts';
import type { Change, JsonObject, State } from '../../../shared/types.ts';
import { useFolder, useSharedFolder } from '../../testing/folder.ts';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { ALICE, BOB, GATEWAY, ReadAccessTest } from '../../testing/server/read-access.ts';
import type { Reply } from '../../testing/server/server.ts';

const { changes: CHANGES, info: INFO } = ROUTES;
const UNAUTHORIZED = {
  error: { code: 'unauthorized', message: 'the read API needs a bearer token', hint: 'give --token-file' },
};

const names = (reply: Reply): string[] =>
  (reply.json() as unknown as { changes: Change[] }).changes.map(
    ({ object }) => `${object.namespace}/${object.resource}/${object.name}`,
  );

/** Two namespaces of two teams, with the same in both. */
async function recordTeams(test: ReadAccessTest): Promise<void> {
  for (const namespace of ['shop', 'bank']) {
    await test.recordNamespace(namespace, `ns-${namespace}`);
    await test.record({ namespace, name: 'settings', body: { data: { level: 'info' } } });
    await test.record({
      namespace,
      name: 'pass',
      resource: 'secrets',
      kind: 'Secret',
      body: { data: { p: 'cGFzcw==' } },
    });
    await test.record({ namespace, name: 'web', resource: 'deployments', kind: 'Deployment', group: 'apps' });
  }
  await test.record({ namespace: '', name: 'node-1', resource: 'nodes', kind: 'Node' });
}

describe('reading with a token of the cluster', () => {
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
  });
  afterEach(() => test.stop());

  it('takes it from its own header, which the service proxy leaves alone, or from Authorization', async () => {
    assert.equal((await test.as(BOB, INFO)).status, 200);
    assert.equal((await test.server.read.get(INFO, { Authorization: `Bearer ${BOB}` })).status, 200);
    const { spec } = test.api.reviews.asked[0] ?? {};
    assert.deepEqual(spec, { token: BOB, audiences: ['kubeblame'] });
    for (const path of [...Object.values(ROUTES), '/', '/apis/kubeblame.io/v1alpha1/changes']) {
      for (const reply of [await test.server.read.get(path), await test.as('made-up', path)]) {
        const message = path.startsWith('/apis') ? reply.json().message : (reply.json().error as JsonObject).message;
        assert.deepEqual(
          [reply.status, message],
          [401, UNAUTHORIZED.error.message + (path.startsWith('/apis') ? ': give --token-file' : '')],
          path,
        );
      }
    }
  });

  it('refuses a token for another audience, and one of an authenticator that knows no audiences', async () => {
    const user = { username: 'bob', groups: [] };
    test.api.reviews.tokens.set('for-another', { user, audiences: ['https://kubernetes.default.svc'] });
    test.api.reviews.tokens.set('for-none', { user, audiences: [] });
    for (const token of ['for-another', 'for-none']) assert.equal((await test.as(token, INFO)).status, 401, token);
  });

  it('asks once for what is asked again within seconds', async () => {
    for (let time = 0; time < 5; time++) await test.as(BOB, CHANGES);
    const kinds = test.api.reviews.asked.map(({ kind, spec }) => [kind, spec.resourceAttributes]);
    assert.deepEqual(kinds, [
      ['TokenReview', undefined],
      ['SubjectAccessReview', { verb: 'list', group: 'kubeblame.io', resource: 'changes' }],
      ['SubjectAccessReview', { verb: 'get', group: '*', resource: '*' }],
    ]);
  });

  it('answers nothing while the API server cannot tell who may read, and remembers no failure', async () => {
    test.api.reviewing = false;
    const reply = await test.as(BOB, INFO);
    assert.equal(reply.status, 503);
    assert.equal((reply.json().error as JsonObject).code, 'access-unknown');
    assert.ok(!JSON.stringify(test.server.log).includes(BOB));
    test.api.reviewing = true;
    assert.equal((await test.as(BOB, INFO)).status, 200);
  });

  it('lets the gateway say for whom it asks, and nobody else', async () => {
    await recordTeams(test);
    const bobs = { 'X-Remote-User': 'bob', 'X-Remote-Group': 'ops' };
    assert.equal(names(await test.as(GATEWAY, CHANGES, bobs)).length, 9);
    assert.equal((await test.as(GATEWAY, CHANGES)).status, 401);
    // Alice may read nothing yet, whoever she says to be.
    assert.equal((await test.as(ALICE, CHANGES, bobs)).status, 403);
  });
});

describe('what a reader may see', () => {
  const file = useSharedFolder();
  let test: ReadAccessTest;
  before(async () => {
    test = await ReadAccessTest.start(file);
    await recordTeams(test);
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
  });
  after(() => test.stop());

  const at = (): string => String(Date.now());

  it('is everything for one who may get everything', async () => {
    const reply = await test.as(BOB, CHANGES);
    assert.equal(names(reply).length, 9);
    assert.equal(reply.json().denied, undefined);
    assert.equal((await test.as(BOB, INFO)).json().changes, 9);
  });

  it('is what the live object would show: their namespaces, and what they may get in them', async () => {
    const reply = await test.as(ALICE, CHANGES);
    assert.deepEqual(names(reply), ['shop/deployments/web', 'shop/configmaps/settings', '/namespaces/shop']);
    // Types that the ledger knows, wherever they are: not what there is of them.
    assert.deepEqual(reply.json().denied, ['nodes', 'secrets']);
    assert.deepEqual(names(await test.as(ALICE, `${CHANGES}?namespace=shop&withNamespaceObject=true`)), names(reply));
    assert.deepEqual(names(await test.as(ALICE, `${CHANGES}?namespace=shop`)), names(reply).slice(0, 2));
  });

  it('is nothing of namespace bank for a reader of shop, by every route', async () => {
    const queries = [`namespace=bank`, `namespace=bank&withNamespaceObject=true`, `namespace=bank&name=settings`];
    const scoped = {
      changes: '',
      objects: '',
      states: `&at=${at()}`,
      differences: `&from=0&to=${at()}`,
      blame: `&at=${at()}`,
      users: '',
      manual: '',
      events: '',
    };
    const others = ['info', 'resources', 'coverage'] as const;
    // Of the whole cluster, each left with what alice may read.
    const whole = ['graph', 'facts', 'applications'] as const;
    assert.deepEqual([...Object.keys(scoped), ...others, ...whole, 'impact'].sort(), Object.keys(ROUTES).sort());
    for (const name of whole) {
      const reply = await test.as(ALICE, `${ROUTES[name]}?at=${at()}`);
      assert.equal(reply.status, 200, reply.text);
      assert.ok(!reply.text.includes('bank'), `${name}: ${reply.text}`);
    }
    const about = `resource=configmaps&name=settings&blow=gone&at=${at()}`;
    const [theirs, absent] = [
      await test.as(ALICE, `${ROUTES.impact}?namespace=bank&${about}`),
      await test.as(ALICE, `${ROUTES.impact}?namespace=void&${about}`),
    ];
    assert.deepEqual([theirs.status, theirs.text], [absent.status, absent.text.replaceAll('void', 'bank')]);
    for (const [name, more] of Object.entries(scoped)) {
      const route = ROUTES[name as keyof typeof scoped];
      for (const query of queries) {
        const reply = await test.as(ALICE, `${route}?${query}${more}`);
        const absent = await test.as(ALICE, `${route}?${query.replace('bank', 'void')}${more}`);
        assert.equal(reply.status, 403, route);
        assert.deepEqual([reply.status, reply.text], [absent.status, absent.text.replaceAll('void', 'bank')], route);
      }
      // By name, type, user or label, without a namespace: nothing of bank, nor how much there is.
      for (const query of ['', 'name=settings', 'resource=configmaps', 'resource=namespaces&name=bank', 'labels=!x']) {
        const { text } = await test.as(ALICE, `${route}?${query}${more}`);
        assert.ok(!text.includes('bank'), `${route}?${query}: ${text}`);
      }
    }
    for (const name of others) {
      assert.ok(!(await test.as(ALICE, ROUTES[name])).text.includes('bank'), name);
    }
    const info = (await test.as(ALICE, INFO)).json();
    assert.deepEqual([info.changes, info.lastAt], [null, null]);
  });

  it('is the same for what is not there and what is not theirs', async () => {
    for (const [mine, absent] of [
      [`${CHANGES}?namespace=shop&resource=secrets&name=pass`, `${CHANGES}?namespace=shop&resource=secrets&name=void`],
      [`${CHANGES}?namespace=shop&name=pass`, `${CHANGES}?namespace=shop&name=void`],
      [`${CHANGES}?resource=nodes`, `${CHANGES}?resource=nodes&name=void`],
      [`${CHANGES}?newerThan=2&before=4&namespace=shop`, `${CHANGES}?newerThan=3000&before=3002&namespace=shop`],
      [`${ROUTES.objects}?name=node-1`, `${ROUTES.objects}?name=void`],
      [`${ROUTES.states}?at=${at()}&name=pass`, `${ROUTES.states}?at=${at()}&name=void`],
    ] as const) {
      const [reply, other] = [await test.as(ALICE, mine), await test.as(ALICE, absent)];
      assert.deepEqual([reply.status, reply.text], [other.status, other.text], mine);
      assert.equal(reply.status, 200);
    }
  });

  it('counts as hidden only what they may see', async () => {
    for (const namespace of ['shop', 'bank']) {
      const web = { namespace, name: 'web', resource: 'deployments', kind: 'Deployment', group: 'apps' };
      const uid = `Deployment-${namespace}-web`;
      await test.record({
        ...web,
        operation: 'UPDATE',
        subResource: 'status',
        body: { status: { replicas: 1 } },
        oldObject: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace, uid } },
        options: { fieldManager: 'kube-controller-manager' },
      });
    }
    const hidden = async (token: string): Promise<unknown> => (await test.as(token, CHANGES)).json().hidden;
    assert.deepEqual(await hidden(ALICE), { status: 1, attempts: 0 });
    assert.deepEqual(await hidden(BOB), { status: 2, attempts: 0 });
  });

  it('tells when recording worked, and to those who read everything why it did not', async () => {
    const intervals = (await test.as(ALICE, ROUTES.coverage)).json() as unknown as {
      covered: boolean;
      cause: string;
    }[];
    assert.deepEqual(
      intervals.map(({ covered, cause }) => [covered, cause]),
      [[true, '']],
    );
  });
});

describe('paging over rows that are left out', () => {
  const file = useFolder();

  it('gives every visible change and state once, in full pages', async function () {
    this.timeout(60_000);
    const test = await ReadAccessTest.start(file);
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
    // Of 700 changes every seventh is hers: a page is filled from many of the ledger's.
    await test.recordNamespace('shop', 'ns-shop');
    const work: Promise<void>[] = [];
    for (let index = 0; index < 700; index++)
      work.push(test.record({ namespace: index % 7 === 0 ? 'shop' : 'bank', name: `c-${index}` }));
    await Promise.all(work);
    for (const [route, query] of [
      [CHANGES, 'limit=30&resource=configmaps'],
      [ROUTES.states, `limit=30&resource=configmaps&at=${Date.now()}`],
    ] as const) {
      const [seen, sizes] = [new Set<string>(), [] as number[]];
      let next: string | null = '';
      while (next !== null) {
        const token: string = next === '' ? '' : `&${route === CHANGES ? 'before' : 'continue'}=${next}`;
        const reply = await test.as(ALICE, `${route}?${query}${token}`);
        const page = reply.json() as unknown as { changes?: Change[]; states?: State[]; next: string | null };
        const items = page.changes ?? page.states ?? [];
        for (const { object } of items) seen.add(object.name);
        sizes.push(items.length);
        next = page.next;
      }
      assert.deepEqual([seen.size, sizes], [100, [30, 30, 30, 10]], route);
    }
    await test.stop();
  });
});
