import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import pino from 'pino';
import { metadataOf } from '../../../shared/normalise.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { openApiClient } from '../../platform/kubernetes/api-client.ts';
import {
  API_SERVICES,
  CLUSTER_ROLE_BINDINGS,
  ENDPOINT_SLICES,
  NAMESPACES,
  REGISTRATION,
  SECRETS,
  useInstallation,
} from '../../testing/cluster/installation.ts';
import { until } from '../../testing/server/server.ts';
import { ApiServiceKeeper } from './api-service.ts';
import { dataOf } from '../certificates/secret.ts';

const NAME = 'v1alpha1.kubeblame.io';
const SECOND = 1000;

describe('the native API in the cluster', () => {
  const on = useInstallation();
  let elapsed: number;
  let keeper: ApiServiceKeeper;
  const log: string[] = [];

  beforeEach(async () => {
    elapsed = 0;
    log.length = 0;
    on.api.put(CLUSTER_ROLE_BINDINGS, { metadata: { name: 'kubeblame-apiservice', uid: 'u-binding' } });
    keeper = new ApiServiceKeeper({
      client: await openApiClient({ file: on.api.kubeconfig }),
      ...{ namespace: 'kubeblame', service: 'kubeblame-gateway' },
      log: pino({ base: null }, { write: (line: string) => void log.push((JSON.parse(line) as { msg: string }).msg) }),
      elapsed: () => elapsed,
    });
  });

  const found = (): JsonObject | undefined => on.api.find('apiservices.apiregistration.k8s.io', '', NAME);
  const keep = (ca = 'a CA'): Promise<void> => keeper.keep(ca, new AbortController().signal);
  function endpoints(...ready: boolean[]): void {
    on.api.put(ENDPOINT_SLICES, {
      metadata: { name: 'kubeblame-gateway-x', namespace: 'kubeblame' },
      endpoints: ready.map((one, index) => ({
        conditions: { ready: one },
        targetRef: { kind: 'Pod', name: `gateway-${index}` },
      })),
    });
  }
  function unreachable(): void {
    const { metadata, ...rest } = found() ?? {};
    const status = { conditions: [{ type: 'Available', status: 'False', reason: 'FailedDiscoveryCheck' }] };
    const { resourceVersion: _, ...kept } = metadataOf({ metadata: metadata ?? {} });
    on.api.put(API_SERVICES, { ...rest, metadata: kept, status });
  }

  it('is registered only once a gateway is ready, and belongs to what is removed with the installation', async () => {
    await keep();
    endpoints(false, false);
    await keep();
    assert.equal(found(), undefined);
    endpoints(false, true);
    await keep();
    assert.deepEqual(found()?.spec, {
      service: { namespace: 'kubeblame', name: 'kubeblame-gateway', port: 443 },
      group: 'kubeblame.io',
      version: 'v1alpha1',
      caBundle: Buffer.from('a CA').toString('base64'),
      groupPriorityMinimum: 1000,
      versionPriority: 10,
    });
    assert.deepEqual(metadataOf(found() ?? {}).ownerReferences, [
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        name: 'kubeblame-apiservice',
        uid: 'u-binding',
      },
    ]);
    const [asked] = on.api.seen('list', 'endpointslices.discovery.k8s.io');
    assert.equal(asked?.query.get('labelSelector'), 'kubernetes.io/service-name=kubeblame-gateway');
  });

  it('is withdrawn when no gateway has been ready for a minute, and registered again when one is', async () => {
    endpoints(true);
    await keep();
    endpoints(false);
    await keep();
    elapsed += 59 * SECOND;
    await keep();
    assert.notEqual(found(), undefined);
    elapsed += SECOND;
    await keep();
    assert.equal(found(), undefined);
    endpoints(true);
    await keep();
    assert.notEqual(found(), undefined);
    assert.deepEqual(log, ['native API registered', 'native API withdrawn', 'native API registered']);
  });

  it('stays through a rollout: a gateway that is ready again begins the minute anew', async () => {
    endpoints(true);
    await keep();
    for (let turn = 0; turn < 3; turn++) {
      endpoints(false);
      await keep();
      elapsed += 50 * SECOND;
      endpoints(true);
      await keep();
    }
    assert.notEqual(found(), undefined);
    assert.equal(on.api.seen('delete').length, 0);
  });

  it('is withdrawn where gateways are ready and the API server cannot reach them; tried again after ten minutes', async () => {
    endpoints(true);
    await keep();
    unreachable();
    await keep();
    elapsed += 60 * SECOND;
    await keep();
    assert.equal(found(), undefined);
    elapsed += 599 * SECOND;
    await keep();
    assert.equal(found(), undefined);
    elapsed += SECOND;
    await keep();
    assert.notEqual(found(), undefined);
  });

  it('is withdrawn at once where the namespace or the installation is removed, and not registered again', async () => {
    endpoints(true);
    await keep();
    on.api.put(NAMESPACES, { metadata: { name: 'kubeblame', uid: 'u', deletionTimestamp: '2026-11-30T16:00:00Z' } });
    await keep();
    assert.equal(found(), undefined);
    await keep();
    assert.equal(found(), undefined);
    on.api.put(NAMESPACES, { metadata: { name: 'kubeblame', uid: 'u' } });
    await keep();
    assert.notEqual(found(), undefined);
    on.api.remove(CLUSTER_ROLE_BINDINGS, '', 'kubeblame-apiservice');
    await keep();
    assert.equal(found(), undefined);
  });

  it('gets a new CA, and leaves an APIService of another installation alone', async () => {
    endpoints(true);
    await keep('old');
    await keep('new');
    assert.equal((found()?.spec as JsonObject).caBundle, Buffer.from('new').toString('base64'));
    const foreign = { group: 'kubeblame.io', service: { name: 'g', namespace: 'somewhere' } };
    on.api.put(API_SERVICES, { metadata: { name: NAME, uid: 'u-other' }, spec: foreign });
    endpoints(false);
    for (const later of [0, 61, 61]) {
      elapsed += later * SECOND;
      await keep();
    }
    assert.deepEqual(found()?.spec, foreign);
  });

  it("is kept by a server, with the gateways' own certificates, which name their Service and are not the server's", async () => {
    endpoints(true);
    await on.start({ registration: { ...REGISTRATION, gatewayService: 'kubeblame-gateway' } });
    await until('it is registered', () => found() !== undefined);
    const texts = (name: string): Record<string, string> =>
      Object.fromEntries(
        Object.entries(dataOf(on.api.find('secrets', 'kubeblame', name) ?? {})).map(([key, value]) => [
          key,
          Buffer.from(value as string, 'base64').toString(),
        ]),
      );
    const [gateways, server] = [texts('kubeblame-gateway-tls'), texts('kubeblame-tls')];
    assert.equal((found()?.spec as JsonObject).caBundle, Buffer.from(gateways['ca.crt'] ?? '').toString('base64'));
    assert.equal(new X509Certificate(gateways['tls.crt'] ?? '').subjectAltName, 'DNS:kubeblame-gateway.kubeblame.svc');
    assert.equal(new X509Certificate(server['tls.crt'] ?? '').subjectAltName, 'DNS:kubeblame.kubeblame.svc');
    assert.notEqual(gateways['tls.key'], server['tls.key']);
    assert.notEqual(gateways.path, server.path);
    assert.equal(gateways['upstream-ca.crt'], server['ca.crt']);
    // New keys of the server's reach the gateways; their own stay.
    on.api.remove(SECRETS, 'kubeblame', 'kubeblame-tls');
    await until('the gateways are told of the next authority', () => {
      const { 'upstream-ca.crt': told = '' } = texts('kubeblame-gateway-tls');
      return told === texts('kubeblame-tls')['ca.crt'] && told !== server['ca.crt'];
    });
    assert.equal(texts('kubeblame-gateway-tls')['tls.crt'], gateways['tls.crt']);
  });

  it('has gateway certificates also where the server has its own from elsewhere', async () => {
    endpoints(true);
    const server = await on.start({
      tls: { cert: on.file('tls.crt'), key: on.file('tls.key') },
      registration: { ...REGISTRATION, tlsCa: on.file('ca.crt'), gatewayService: 'kubeblame-gateway' },
    });
    await until('it is registered', () => found() !== undefined);
    const data = dataOf(on.api.find('secrets', 'kubeblame', 'kubeblame-gateway-tls') ?? {});
    assert.deepEqual(Object.keys(data).sort(), ['ca.crt', 'made-at', 'path', 'tls.crt', 'tls.key', 'upstream-ca.crt']);
    assert.equal(Buffer.from(data['upstream-ca.crt'] as string, 'base64').toString(), server.certificates.ca);
  });
});
