import assert from 'node:assert/strict';
import { NATIVE_API, ROUTES } from '../../../../shared/api.ts';
import type { Change, ChangePage, JsonObject, KnownObject, UserPage } from '../../../../shared/types.ts';
import { viewGrant } from '../../../testing/api-server/fake-reviews.ts';
import { useSharedFolder } from '../../../testing/folder.ts';
import { BOB, ReadAccessTest } from '../../../testing/server/read-access.ts';

/** No pattern takes it for a password: it must be left out by rights. */
const COMMAND = 'cat /srv/hunter22';
const EXEC: JsonObject = { kind: 'PodExecOptions', command: ['sh', '-c', COMMAND], container: 'db' };
const EVICTION: JsonObject = { kind: 'Eviction', apiVersion: 'policy/v1', metadata: { name: 'db-0' } };
const { changes: CHANGES } = ROUTES;
const NATIVE = `${NATIVE_API.path}/changes`;

/** One pod, with what others did to it: 2 changes of the pod, an eviction, 41 execs and a port-forward. */
async function recordActs(test: ReadAccessTest): Promise<void> {
  await test.recordNamespace('shop', 'ns-shop');
  await test.record({ namespace: 'shop', name: 'db-0', resource: 'pods', kind: 'Pod', body: { spec: {} } });
  for (let index = 0; index < 41; index++) await test.recordAct('shop', 'db-0', 'exec', EXEC);
  await test.recordAct('shop', 'db-0', 'portforward', { kind: 'PodPortForwardOptions', ports: [5432] });
  await test.recordAct('shop', 'db-0', 'eviction', EVICTION);
  // Known by an exec alone.
  await test.recordAct('shop', 'never-seen', 'exec', EXEC);
}

describe('acts on what a reader may see', () => {
  const file = useSharedFolder();
  let test: ReadAccessTest;
  before(async () => {
    test = await ReadAccessTest.start(file);
    await recordActs(test);
  });
  beforeEach(() => {
    test.api.reviews.grants = test.api.reviews.grants.filter(({ to }) => to === 'bob');
  });
  after(() => test.stop());

  /** Rights are remembered by user: each test asks as another one. */
  let users = 0;
  const viewer = (...more: { verbs: string[]; resources: string[]; namespace?: string }[]): string => {
    const username = `viewer-${++users}`;
    const token = `token-of-${username}`;
    test.api.reviews.tokens.set(token, { user: { username, groups: [] }, audiences: ['kubeblame'] });
    test.api.reviews.grants.push(...viewGrant(username, 'shop'), ...more.map((grant) => ({ to: username, ...grant })));
    return token;
  };
  const page = async (token: string, query = ''): Promise<ChangePage> =>
    (await test.as(token, `${CHANGES}?${query}`)).json() as unknown as ChangePage;
  const acts = ({ changes }: ChangePage): string[] => [...new Set(changes.map(({ subresource }) => subresource))];

  it('are not shown by any route to one who may only get the pod', async () => {
    const token = viewer();
    const at = String(Date.now());
    const everything = (await page(BOB, 'limit=500')).changes;
    const exec = everything.find(({ subresource }) => subresource === 'exec')?.seq ?? 0;
    const paths = [
      CHANGES,
      `${CHANGES}?namespace=shop&limit=500&bodies=true&causes=true`,
      `${CHANGES}?resource=pods&name=db-0&namespace=shop`,
      `${CHANGES}?seq=${exec}`,
      `${CHANGES}?user=mallory`,
      `${CHANGES}?operation=CONNECT`,
      `${CHANGES}?after=0&limit=500`,
      `${CHANGES}?after=${exec - 1}&limit=1`,
      ROUTES.users,
      `${ROUTES.users}?namespace=shop&resource=pods`,
      ROUTES.objects,
      `${ROUTES.states}?at=${at}`,
      `${ROUTES.differences}?from=0&to=${at}`,
      `${ROUTES.blame}?at=${at}&resource=pods`,
      ROUTES.resources,
      ROUTES.coverage,
      ROUTES.info,
      NATIVE,
      `${NATIVE_API.path}/namespaces/shop/changes?fieldSelector=user%3Dmallory`,
      `${NATIVE_API.path}/states`,
    ];
    for (const path of paths) {
      const { status, text } = await test.as(token, path);
      assert.equal(status, 200, `${path}: ${text}`);
      assert.doesNotMatch(text, /hunter22|"exec"|PodExecOptions|"portforward"|5432|never-seen/, path);
    }
    const one = await test.as(token, `${NATIVE_API.path}/namespaces/shop/changes/${exec}`);
    const none = await test.as(token, `${NATIVE_API.path}/namespaces/shop/changes/99999`);
    assert.deepEqual([one.status, one.text], [404, none.text.replaceAll('99999', String(exec))]);
  });

  it('are not in counts either: of users, of what is hidden, of pages, nor in when an object was last changed', async () => {
    const token = viewer();
    const first = await page(token, 'namespace=shop&limit=1');
    assert.deepEqual([first.changes[0]?.subresource, first.hidden, first.next === null], ['eviction', { status: 0, attempts: 0 }, false]); // prettier-ignore
    const second = await page(token, `namespace=shop&limit=1&before=${first.next}`);
    assert.deepEqual([second.changes.map(({ subresource }) => subresource), second.next], [[''], null]);
    const { users: counted } = (await test.as(token, `${ROUTES.users}?namespace=shop`)).json() as unknown as UserPage;
    assert.deepEqual(
      counted.map(({ username, changes }) => [username, changes]),
      [
        ['alice@example.com', 1],
        ['mallory', 1],
      ],
    );
    const objects = (await test.as(token, `${ROUTES.objects}?resource=pods`)).json() as unknown as KnownObject[];
    const pod = (await page(BOB, 'limit=500')).changes.find(({ effect, object }) => effect === 'created' && object.name === 'db-0'); // prettier-ignore
    assert.deepEqual(
      objects.map(({ object, lastAt }) => [object.name, lastAt]),
      [['db-0', pod?.at]],
    );
  });

  it('are told to be left out, but where an answer has none', async () => {
    const token = viewer();
    const left = ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'services/proxy'];
    assert.deepEqual((await page(token, 'namespace=shop')).denied, left.slice(0, 4));
    assert.deepEqual((await page(token, 'namespace=shop&resource=pods')).denied, left.slice(0, 4));
    assert.equal((await page(token, 'namespace=shop&resource=configmaps')).denied, undefined);
    const states = (await test.as(token, `${ROUTES.states}?namespace=shop&at=${Date.now()}`)).json();
    assert.equal(states.denied, undefined);
  });

  for (const verb of ['create', 'get']) {
    it(`are shown one by one to who may ${verb} them`, async () => {
      const token = viewer({ verbs: [verb], resources: ['pods/exec'], namespace: 'shop' });
      const answer = await page(token, 'namespace=shop&limit=500');
      assert.deepEqual(acts(answer), ['exec', 'eviction', '']);
      assert.equal(answer.changes.length, 44);
      assert.deepEqual((answer.changes.find(({ subresource }) => subresource === 'exec') as Change).options, { command: EXEC.command ?? null, container: 'db' }); // prettier-ignore
      assert.deepEqual(answer.denied, ['pods/attach', 'pods/portforward', 'pods/proxy']);
    });
  }

  it('need the right in the namespace of the pod, or in the whole cluster', async () => {
    const elsewhere = viewer({ verbs: ['*'], resources: ['pods/exec'], namespace: 'bank' });
    assert.ok(!acts(await page(elsewhere, 'namespace=shop&limit=500')).includes('exec'));
  });

  it('are all shown to one who may get everything', async () => {
    const answer = await page(BOB, 'namespace=shop&limit=500');
    assert.deepEqual([acts(answer), answer.changes.length, answer.denied], [['exec', 'eviction', 'portforward', ''], 45, undefined]); // prettier-ignore
  });

  it('are not shown by the right on the act alone', async () => {
    const token = 'token-of-executor';
    test.api.reviews.tokens.set(token, { user: { username: 'executor', groups: [] }, audiences: ['kubeblame'] });
    test.api.reviews.grants.push(
      { to: 'executor', verbs: ['list'], resources: ['changes.kubeblame.io'] },
      { to: 'executor', verbs: ['create'], resources: ['pods/exec'] },
    );
    assert.deepEqual((await page(token, 'limit=500')).changes, []);
  });
});
