import assert from 'node:assert/strict';
import { FakeApiServer } from '../../testing/api-server/api-server.ts';
import { CONFIG_MAPS } from '../../testing/api-server/served-types.ts';
import { publishFrontProxy } from '../../testing/server/read-access.ts';
import { createAuthority } from '../../../certs/certificates.ts';
import { followFrontProxyConfig } from '../../ask/access/identity/front-proxy-config.ts';
import type { FrontProxyTrust } from '../../ask/access/identity/front-proxy.ts';
import { useFolder } from '../../testing/folder.ts';
import { until } from '../../testing/server/server.ts';
import { openApiClient, type KubeApiClient } from './api-client.ts';
import { SilentWatchError, watchUntilSilent } from './watch/silent-watch.ts';

describe('the client of the API server', () => {
  const file = useFolder({ verify: false });
  let api: FakeApiServer;
  let client: KubeApiClient;
  const signal = new AbortController().signal;
  beforeEach(async () => {
    api = await FakeApiServer.start(file, [CONFIG_MAPS]);
    client = await openApiClient({ file: api.kubeconfig });
  });
  afterEach(() => api.stop());

  it('makes one connection for requests that follow one another', async () => {
    const before = api.handshakes;
    for (let n = 0; n < 50; n++) await client.get('/api/v1/configmaps', signal);
    assert.equal(api.handshakes - before, 1);
  });

  it('asks once more where the API server closes a kept connection at that moment', async () => {
    await client.get('/api/v1/configmaps', signal);
    await api.stop();
    await api.restart();
    assert.equal((await client.get('/api/v1/configmaps', signal)).kind, 'ConfigMapList');
  });

  it('takes a watch for dead that shows nothing, and not one whose reader is slow', async () => {
    const path = '/api/v1/configmaps?watch=1&allowWatchBookmarks=true&resourceVersion=0&timeoutSeconds=60';
    const types: unknown[] = [];
    const run = async (): Promise<void> => {
      for await (const event of watchUntilSilent(client, path, 60, signal)) {
        types.push(event.read().type);
        await new Promise((resolve) => setTimeout(resolve, 120));
      }
    };
    const ended = run();
    await until('it watches', () => api.openWatches('configmaps') === 1);
    api.put(CONFIG_MAPS, { metadata: { name: 'a', namespace: 'shop', uid: 'a' } });
    api.put(CONFIG_MAPS, { metadata: { name: 'b', namespace: 'shop', uid: 'b' } });
    await assert.rejects(ended, SilentWatchError);
    assert.deepEqual(types, ['ADDED', 'ADDED']);
  });

  it('sees whom the front proxy is trusted by anew, behind a connection that died without a word', async () => {
    const seen: (FrontProxyTrust | null)[] = [];
    const [first, second] = await Promise.all(
      ['one', 'two'].map((commonName) => createAuthority({ now: new Date(), validDays: 1, commonName })),
    );
    assert.ok(first && second);
    publishFrontProxy(api, first, []);
    const end = followFrontProxyConfig({
      client,
      changed: (trust) => seen.push(trust),
      failed: () => undefined,
      retryMs: 1,
      silenceMs: 100,
    });
    await until('it watches', () => api.openWatches('configmaps') === 1);
    api.stallWatches('configmaps');
    publishFrontProxy(api, second, []);
    await until('the new CA is seen', () => seen.length === 2);
    end();
    assert.deepEqual(
      seen.map((trust) => trust?.ca),
      [first.certificate, second.certificate],
    );
  });
});
