import assert from 'node:assert/strict';
import { ROUTES } from '../../../shared/api.ts';
import { reviewDocument } from '../../../shared/testing/reviews.ts';
import type { ChangePage, JsonObject } from '../../../shared/types.ts';
import type { ApiServerNetworks } from './api-servers.ts';
import { FakeApiServer } from '../../testing/api-server/api-server.ts';
import type { ServedType } from '../../testing/api-server/served-types.ts';
import { useFolder } from '../../testing/folder.ts';
import { HttpsClient, TestServer, until, type Reply } from '../../testing/server/server.ts';

const SLICES: ServedType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  resource: 'endpointslices',
  kind: 'EndpointSlice',
};
const slice = (name: string, service: string, ...addresses: string[]): JsonObject => ({
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
  endpoints: [{ addresses, conditions: { ready: true } }],
});
/** All of 127.0.0.0/8 is this machine: the API server's, and another pod's. */
const [API_SERVER, POD] = ['127.0.0.1', '127.0.0.2'];

describe('the address that a review comes from', () => {
  const file = useFolder();
  let api: FakeApiServer;
  let server: TestServer;
  let clients: HttpsClient[] = [];

  async function start(apiServers: ApiServerNetworks | null, withSlices = true): Promise<void> {
    api = await FakeApiServer.start(file, withSlices ? [SLICES] : []);
    if (withSlices) {
      api.put(SLICES, slice('kubernetes', 'kubernetes', API_SERVER));
      // Of somebody who may write slices of another Service.
      api.put(SLICES, slice('other', 'other', POD));
    }
    server = await TestServer.start(file, { kubeconfig: { file: api.kubeconfig }, apiServers });
    clients = [];
    await until('the addresses were asked for', () => server.log.some(({ msg }) => msg.startsWith('addresses of the API servers'))); // prettier-ignore
  }
  afterEach(async () => {
    for (const client of clients) client.close();
    await server.stop();
    await api.stop();
  });

  let sent = 0;
  function send(localAddress: string, username = 'mallory'): Promise<Reply> {
    const client = new HttpsClient(server.running.admission, server.certificates.ca, { localAddress });
    clients.push(client);
    const name = `from-${localAddress}-${++sent}`;
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'shop', uid: name } };
    return client.admit(reviewDocument({ uid: `uid-${sent}`, name, object, username }));
  }
  const recorded = async (): Promise<string[]> => {
    await server.settled();
    const { changes } = (
      await server.read.get(`${ROUTES.changes}?resource=configmaps`)
    ).json() as unknown as ChangePage;
    return changes.map(({ object }) => object.name.split('-')[1] ?? '').reverse();
  };
  const metric = async (name: string): Promise<number> => {
    const { text } = await server.admission.get('/metrics');
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    );
  };
  const named = (msg: RegExp): unknown[] => server.log.filter((line) => msg.test(line.msg)).map(({ from }) => from);

  it('is only looked at, unless told otherwise: all is recorded, and another address named once', async () => {
    await start(null);
    for (const address of [API_SERVER, POD, POD]) assert.equal((await send(address)).status, 200);
    assert.deepEqual(await recorded(), [API_SERVER, POD, POD]);
    assert.equal(await metric('kubeblame_reviews_from_elsewhere_total'), 2);
    assert.equal(await metric('kubeblame_api_server_networks'), 1);
    assert.deepEqual(named(/not among the endpoints/), [POD]);
  });

  it('must be one that the cluster names: another is answered, turned away, counted, and a gap', async () => {
    await start({ networks: [], endpoints: true });
    assert.equal((await send(API_SERVER)).status, 200);
    const refused = await send(POD);
    assert.deepEqual(
      [refused.status, refused.json().response],
      [
        200,
        {
          uid: `uid-${sent}`,
          allowed: true,
          warnings: [`kubeblame did not record this request: it came from ${POD}, which is no API server's address`],
        },
      ],
    );
    const { response } = (await send(POD, 'system:node:a')).json() as { response: JsonObject };
    assert.deepEqual(response, { uid: `uid-${sent}`, allowed: true });
    assert.deepEqual(await recorded(), [API_SERVER]);
    assert.equal(await metric('kubeblame_reviews_total{result="turned-away"}'), 2);
    assert.equal(await metric('kubeblame_reviews_from_elsewhere_total'), 2);
    assert.deepEqual(named(/^caller turned away$/), [POD]);
    const lost = async (): Promise<boolean> =>
      (await server.read.get(ROUTES.coverage)).text.includes('could not be recorded');
    await until('the coverage tells', lost);
  });

  it('follows the cluster: a new API server is known, and an old one no longer', async () => {
    await start({ networks: [], endpoints: true });
    api.put(SLICES, slice('kubernetes', 'kubernetes', POD));
    await until('the change is known', () => server.log.filter(({ msg }) => msg === 'addresses of the API servers').length === 2); // prettier-ignore
    for (const address of [API_SERVER, POD]) await send(address);
    assert.deepEqual(await recorded(), [POD]);
  });

  it('may be of networks that are named, alone or besides', async () => {
    await start({ networks: ['127.0.0.2/32'], endpoints: true });
    for (const address of [API_SERVER, POD, '127.0.0.3']) await send(address);
    assert.deepEqual(await recorded(), [API_SERVER, POD]);
    assert.equal(await metric('kubeblame_api_server_networks'), 2);
  });

  it('turns nobody away while the cluster does not tell its addresses, and says so', async () => {
    await start({ networks: ['127.0.0.9/32'], endpoints: true }, false);
    await send(POD);
    assert.deepEqual(await recorded(), [POD]);
    assert.equal(await metric('kubeblame_reviews_from_elsewhere_total'), 1);
    assert.ok(server.log.some(({ msg, known }) => msg === 'addresses of the API servers cannot be read' && known === false)); // prettier-ignore
  });
});

describe('networks that are named alone', () => {
  const file = useFolder();

  it('need no cluster', async () => {
    const server = await TestServer.start(file, { apiServers: { networks: ['127.0.0.2/32'], endpoints: false } });
    assert.equal((await server.admission.admit(reviewDocument())).status, 200);
    await server.settled();
    const { changes } = (await server.read.get(ROUTES.changes)).json() as unknown as ChangePage;
    assert.deepEqual(changes, []);
    await server.stop();
  });
});
