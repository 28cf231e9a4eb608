import assert from 'node:assert/strict';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { NATIVE_API } from '../../../shared/api.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { useSharedFolder } from '../../testing/folder.ts';
import { ALICE, BOB, ReadAccessTest } from '../../testing/server/read-access.ts';
import { until, type Reply } from '../../testing/server/server.ts';

const { path: PATH } = NATIVE_API;
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

interface ListDocument {
  kind: string;
  metadata: { resourceVersion: string; continue?: string; denied?: string[] };
  items: { metadata: { name: string; namespace?: string }; object: { name: string }; operation: string }[];
}

describe('the native API', () => {
  const file = useSharedFolder();
  let test: ReadAccessTest;
  before(async () => {
    test = await ReadAccessTest.start(file);
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'), {
      to: 'alice',
      verbs: ['create'],
      resources: ['pods/exec'],
      namespace: 'shop',
    });
    for (const namespace of ['shop', 'bank']) {
      await test.recordNamespace(namespace, `ns-${namespace}`);
      await test.record({
        namespace,
        name: 'settings',
        body: { data: { level: 'info' } },
        metadata: { labels: { tier: 'web' } },
      });
      await test.record({
        namespace,
        name: 'pass',
        resource: 'secrets',
        kind: 'Secret',
        body: { data: { p: 'cGFzcw==' } },
      });
    }
    await test.record({
      name: 'cut',
      username: 'bob',
      operation: 'CONNECT',
      subResource: 'exec',
      resource: 'pods',
      kind: 'Pod',
    });
  });
  after(() => test.stop());

  const list = async (token: string, path: string): Promise<ListDocument> => {
    const reply = await test.as(token, `${PATH}/${path}`);
    assert.equal(reply.status, 200, reply.text);
    return reply.json() as unknown as ListDocument;
  };
  const names = ({ items }: ListDocument): string[] => items.map(({ metadata }) => metadata.name);

  it('tells what it is to whoever asks, plain and aggregated', async () => {
    const get = async (path: string, accept = 'application/json'): Promise<Reply> => {
      const reply = await test.server.read.get(path, { Accept: accept });
      assert.equal(reply.status, 200, path);
      return reply;
    };
    const version = { groupVersion: 'kubeblame.io/v1alpha1', version: 'v1alpha1' };
    const group = { name: 'kubeblame.io', versions: [version], preferredVersion: version };
    assert.deepEqual((await get('/apis')).json(), { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] });
    assert.deepEqual((await get('/apis/kubeblame.io')).json(), { kind: 'APIGroup', apiVersion: 'v1', ...group });
    const { resources } = (await get(PATH)).json() as {
      resources: { name: string; verbs: string[]; namespaced: boolean }[];
    };
    assert.deepEqual(
      resources.map(({ name, verbs, namespaced }) => [name, namespaced, verbs.join()]),
      [
        ['changes', true, 'get,list,watch'],
        ['states', true, 'get,list'],
        ['coverage', false, 'list'],
        ['questions', false, 'get'],
      ],
    );
    const wanted = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
    const aggregated = await get('/apis', wanted);
    assert.equal(
      aggregated.headers['content-type'],
      'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    );
    assert.equal(aggregated.json().apiVersion, 'apidiscovery.k8s.io/v2');
    const { paths } = (await get('/openapi/v3')).json() as { paths: Record<string, { serverRelativeURL: string }> };
    const document = (await get(paths['apis/kubeblame.io/v1alpha1']?.serverRelativeURL ?? '')).json();
    assert.ok(`${PATH}/namespaces/{namespace}/changes` in (document.paths as JsonObject));
  });

  it('lists the changes that the caller may read, newest first', async () => {
    assert.deepEqual(names(await list(BOB, 'changes')), ['7', '6', '5', '4', '3', '2', '1']);
    const hers = await list(ALICE, 'namespaces/shop/changes');
    assert.deepEqual(names(hers), ['7', '2']);
    assert.deepEqual(
      [hers.kind, hers.metadata],
      ['ChangeList', { resourceVersion: '7', denied: ['pods/attach', 'pods/portforward', 'pods/proxy', 'secrets'] }],
    );
    assert.equal(hers.items[1]?.metadata.namespace, 'shop');
    const refused = await test.as(ALICE, `${PATH}/namespaces/bank/changes`);
    assert.equal(refused.status, 403);
    assert.deepEqual([refused.json().kind, refused.json().reason], ['Status', 'Forbidden']);
  });

  it('pages with limit and continue', async () => {
    const first = await list(ALICE, 'namespaces/shop/changes?limit=1');
    assert.deepEqual(names(first), ['7']);
    const rest = await list(ALICE, `namespaces/shop/changes?limit=1&continue=${first.metadata.continue ?? ''}`);
    assert.deepEqual([names(rest), rest.metadata.continue], [['2'], undefined]);
  });

  it('narrows by fields and labels', async () => {
    const select = async (fields: string, more = ''): Promise<string[]> =>
      names(await list(BOB, `changes?fieldSelector=${encodeURIComponent(fields)}${more}`));
    assert.deepEqual(await select('user=bob'), ['7']);
    assert.deepEqual(await select('resource=secrets'), ['6', '3']);
    assert.deepEqual(await select('resource=cm,metadata.namespace=bank'), ['5']);
    assert.deepEqual(await select('name==settings'), ['5', '2']);
    assert.deepEqual(await select('operation=connect'), ['7']);
    assert.deepEqual(await select('metadata.name=4'), ['4']);
    assert.deepEqual(await select('user=a\\,b'), []);
    assert.deepEqual(await select('', '&labelSelector=tier%3Dweb'), ['5', '2']);
  });

  it('refuses selectors that it does not understand, and enormous ones, and says why', async () => {
    for (const [query, message] of [
      ['fieldSelector=colour=red', /unknown field "colour": fields are user, resource, name, operation, /],
      ['fieldSelector=user!=bob', /"user!=bob": only = is supported/],
      ['fieldSelector=user', /"user" is not FIELD=VALUE/],
      ['fieldSelector=operation=EAT', /operation other than CREATE, UPDATE, DELETE, CONNECT/],
      ['fieldSelector=resource=deploymnets', /no resource type is called "deploymnets": did you mean deployments/],
      [`fieldSelector=user=${'a'.repeat(5_000)}`, /longer than 4096 characters/],
      [`fieldSelector=${'name=a,'.repeat(17)}`, /more than 16 terms/],
      ['labelSelector=a==b==c', /label selector/],
      [`labelSelector=${'a,'.repeat(3_000)}a`, /labelSelector is longer than 4096/],
      ['limit=many', /limit must be a number/],
      ['continue=x', /continue was not given with a page/],
      ['watch=1&sendInitialEvents=true', /sendInitialEvents is not supported/],
    ] as const) {
      const reply = await test.as(BOB, `${PATH}/changes?${query}`);
      assert.equal(reply.status, 400, query.slice(0, 60));
      assert.match((reply.json() as { message: string }).message, message);
    }
    // What is longer still, Node does not read.
    assert.equal((await test.as(BOB, `${PATH}/changes?fieldSelector=${'a'.repeat(20_000)}`)).status, 431);
  });

  it('gets one change, with bodies, and says the same of what is absent and what is not theirs', async () => {
    const mine = await test.as(ALICE, `${PATH}/namespaces/shop/changes/2`);
    assert.equal(mine.status, 200);
    const { after, before } = mine.json() as { after: { data: JsonObject }; before: null };
    assert.deepEqual([before, after.data], [null, { level: 'info' }]);
    const [secret, absent] = await Promise.all(
      ['3', '3000'].map((seq) => test.as(ALICE, `${PATH}/namespaces/shop/changes/${seq}`)),
    );
    assert.equal(secret?.status, 404);
    assert.equal(secret?.text.replaceAll('3', '#'), absent?.text.replaceAll('3000', '#'));
    assert.equal((await test.as(ALICE, `${PATH}/namespaces/shop/changes/5`)).status, 404);
    assert.equal((await test.as(BOB, `${PATH}/changes/x`)).status, 404);
  });

  it('answers as a Table, safe to print', async () => {
    const name = 'a\u001b[31m\u202eb';
    await test.record({ namespace: 'shop', name, username: 'mallory\u009b2J' });
    const reply = await test.server.read.get(`${PATH}/namespaces/shop/changes?limit=1`, {
      'X-Kubeblame-Token': BOB,
      Accept: TABLE,
    });
    const { kind, columnDefinitions, rows } = reply.json() as unknown as {
      kind: string;
      columnDefinitions: { name: string; priority: number }[];
      rows: { cells: string[]; object: JsonObject }[];
    };
    assert.equal(kind, 'Table');
    assert.deepEqual(
      columnDefinitions.filter(({ priority }) => priority === 0).map((column) => column.name),
      ['Name', 'Age', 'User', 'Operation', 'Object', 'Change'],
    );
    const [row] = rows;
    assert.deepEqual(row?.cells.slice(2, 6), ['mallory\\x9b2J', 'create', 'configmap/a\\e[31m\\u202eb', 'created']);
    assert.equal(row?.object.kind, 'PartialObjectMetadata');
    const odd = await test.server.read.get(`${PATH}/changes`, { 'X-Kubeblame-Token': BOB, Accept: 'text/html' });
    assert.deepEqual([odd.status, odd.json().reason], [406, 'NotAcceptable']);
  });

  it('shows a state as it was, never the value of a Secret', async () => {
    const { items } = await list(BOB, 'namespaces/shop/states?fieldSelector=resource%3Dsecrets');
    const [state] = items as unknown as { metadata: JsonObject; body: { data: { p: string } } }[];
    assert.equal(state?.metadata.name, 'secrets:pass');
    assert.match(state?.body.data.p ?? '', /^redacted:/);
    const one = await test.as(ALICE, `${PATH}/namespaces/shop/states/configmaps:settings`);
    assert.equal((one.json().body as JsonObject).kind, 'ConfigMap');
    const [secret, absent] = await Promise.all(
      ['pass', 'void'].map((name) => test.as(ALICE, `${PATH}/namespaces/shop/states/secrets:${name}`)),
    );
    assert.deepEqual([secret?.status, secret?.text], [404, absent?.text.replaceAll('void', 'pass')]);
    const before = await list(BOB, 'namespaces/shop/states?fieldSelector=at%3D2020-01-01');
    assert.deepEqual(before.items, []);
  });

  it('lists coverage, and answers what the plugin asks', async () => {
    const { kind, items } = await list(BOB, 'coverage');
    assert.deepEqual([kind, items.length], ['CoverageIntervalList', 1]);
    assert.deepEqual((await test.as(BOB, `${PATH}/questions/info`)).text, (await test.as(BOB, '/api/v1/info')).text);
    const refused = await test.as(BOB, `${PATH}/questions/changes?limit=0`);
    assert.equal((refused.json().error as JsonObject).code, 'query-invalid');
  });

  it('streams what is recorded, to each what they may read, and ends when the server does', async () => {
    const events: { type: string; object: { metadata: { name: string } } }[] = [];
    const { host, port } = test.server.running.read;
    const { resourceVersion } = (await list(ALICE, 'namespaces/shop/changes')).metadata;
    const query = `watch=1&resourceVersion=${resourceVersion}`;
    const path = `${PATH}/namespaces/shop/changes?${query}`;
    let ended = false;
    const headers = { 'X-Kubeblame-Token': ALICE };
    const sent = request({ host, port, path, headers, ca: test.server.certificates.ca, agent: false }, (response) => {
      const lines = createInterface({ input: response });
      lines.on('line', (line) => void events.push(JSON.parse(line) as (typeof events)[number]));
      response.on('end', () => (ended = true));
    });
    sent.end();
    await test.record({ namespace: 'bank', name: 'not-hers' });
    await test.record({ namespace: 'shop', name: 'key', resource: 'secrets', kind: 'Secret' });
    await test.record({ namespace: 'shop', name: 'hers' });
    await until('the event comes', () => events.length > 0);
    const { items } = await list(ALICE, 'namespaces/shop/changes?limit=1');
    assert.deepEqual(
      events.map(({ type, object }) => [type, object.metadata.name]),
      [['ADDED', items[0]?.metadata.name]],
    );
    await test.server.running.stop();
    await until('the watch ends', () => ended);
  });
});
