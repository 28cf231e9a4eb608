import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createAuthority, issueClientCertificate, issueServingCertificate } from '../../../certs/certificates.ts';
import { ROUTES } from '../../../shared/api.ts';
import { reviewDocument } from '../../../shared/testing/reviews.ts';
import type { ChangePage, JsonObject } from '../../../shared/types.ts';
import { useCluster } from '../../testing/cluster/cluster.ts';
import { freePort } from '../../testing/server/daemon.ts';
import { HttpsClient, TestServer, until } from '../../testing/server/server.ts';

const FOLDER = '/etc/kubernetes/kubeblame';
const SERVICE = 'kubeblame.kubeblame.svc';
const SLOW_MS = 120_000;
const read = (name: string): string => readFileSync(new URL(`../../../manifests/${name}`, import.meta.url), 'utf8');

/** docs/client-certificate.md, on a real API server, with the files of manifests/control-plane. */
describe('an API server that presents a client certificate', function () {
  this.timeout(SLOW_MS);
  let port = 0;
  let stranger: HttpsClient;
  let reader: HttpsClient;
  const cluster = useCluster(async (file) => {
    port = await freePort();
    const days = { now: new Date(), validDays: 1 };
    const authority = await createAuthority(days);
    const client = await issueClientCertificate(authority, { ...days, commonName: 'kube-apiserver' });
    writeFileSync(file('client-ca.crt'), authority.certificate);
    writeFileSync(file('client.crt'), client.certificate);
    writeFileSync(file('client.key'), client.privateKey);
    // The port of a test's Service is none that only root may open.
    const named = (text: string): string =>
      text.replaceAll(FOLDER, file('')).replace(`name: ${SERVICE}`, `name: ${SERVICE}:${port}`);
    writeFileSync(file('admission.yaml'), named(read('control-plane/admission.yaml')));
    writeFileSync(file('webhook-kubeconfig.yaml'), named(read('control-plane/webhook-kubeconfig.yaml')));
    return [`--admission-control-config-file=${file('admission.yaml')}`];
  });
  let server: TestServer;
  const admin = (args: readonly string[], stdin = ''): Promise<string> => cluster().kubectl('admin', args, stdin);
  const apply = (object: JsonObject): Promise<string> => admin(['apply', '-f', '-'], JSON.stringify(object));

  before(async () => {
    const days = { now: new Date(), validDays: 1 };
    const authority = await createAuthority(days);
    const pair = await issueServingCertificate(authority, { ...days, dnsNames: [SERVICE] });
    writeFileSync(cluster().file('serving.crt'), pair.certificate);
    writeFileSync(cluster().file('serving.key'), pair.privateKey);
    server = await TestServer.start((name) => cluster().file(`server-${name}`), {
      tls: { cert: cluster().file('serving.crt'), key: cluster().file('serving.key') },
      callers: { by: 'certificate', ca: cluster().file('client-ca.crt') },
      listen: { host: '127.0.0.1', port },
    });
    const { admission, read: reading } = server.running;
    [stranger, reader] = [admission, reading].map(
      (address) => new HttpsClient(address, authority.certificate, { servername: SERVICE }),
    ) as [HttpsClient, HttpsClient];
    await admin(['create', 'namespace', 'kubeblame']);
    const spec = { type: 'ExternalName', externalName: 'localhost', ports: [{ port, name: 'https' }] };
    await apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'kubeblame', namespace: 'kubeblame' }, spec });
    await apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'kubeblame' },
      webhooks: [
        {
          name: 'record.kubeblame.io',
          admissionReviewVersions: ['v1'],
          clientConfig: {
            service: { namespace: 'kubeblame', name: 'kubeblame', port, path: '/admit' },
            caBundle: Buffer.from(authority.certificate).toString('base64'),
          },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['*'] }],
          failurePolicy: 'Ignore',
          sideEffects: 'NoneOnDryRun',
        },
      ],
    });
  });
  after(async () => {
    stranger?.close();
    reader?.close();
    await server?.stop();
  });

  const recorded = async (): Promise<string[]> => {
    await server.settled();
    const { changes } = (await reader.get(ROUTES.changes)).json() as unknown as ChangePage;
    return changes.map(({ object }) => object.name);
  };
  const turnedAway = async (): Promise<number> => {
    const { text } = await stranger.get('/metrics');
    return Number(/^kubeblame_reviews_total\{result="turned-away"\} (\d+)$/m.exec(text)?.[1]);
  };

  it('is known by it, by the files of manifests/control-plane, and whoever has read the configuration is not', async () => {
    let count = 0;
    await until(
      'reviews come',
      async () => {
        await admin(['create', 'configmap', `by-the-api-server-${++count}`, '-n', 'default']);
        return (await recorded()).length > 0;
      },
      60_000,
    );
    const before = await recorded();
    assert.ok(before.every((name) => name.startsWith('by-the-api-server-')));
    const counted = await turnedAway();
    // Everything that the configuration tells: where, by which path, and whom to trust.
    const forged = await stranger.admit(reviewDocument({ name: 'forged' }));
    assert.equal(forged.status, 401);
    assert.deepEqual([await recorded(), await turnedAway()], [before, counted + 1]);
  });

  it('is what the overlay asks for', async () => {
    const documents = await admin(['kustomize', 'manifests/overlays/client-certificate']);
    assert.match(documents, /name: KUBEBLAME_CLIENT_CA\n +value: \/client-ca\/ca\.crt\n/);
    assert.match(documents, /configMap:\n +name: kubeblame-client-ca\n/);
  });
});
