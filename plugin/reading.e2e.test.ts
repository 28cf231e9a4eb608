import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import pino from 'pino';
import { createAuthority, issueServingCertificate } from '../certs/certificates.ts';
import { startGateway, type RunningGateway } from '../webhook/programs/gateway/start.ts';
import { useCluster, type KubectlResult } from '../webhook/testing/cluster/cluster.ts';
import { until, TestServer } from '../webhook/testing/server/server.ts';
import { ask, type Answer } from './testing/ask.ts';

const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';
const CAROL = 'carol@example.com';
const GATEWAY = 'system:serviceaccount:kubeblame:kubeblame-gateway';
const START_MS = 120_000;

/*
 * Who reads what, on a real API server: the overlay native-api as it is in manifests/, a gateway, and a ledger behind it.
 * A Service of type ExternalName leads the API server to the gateway, which is a process of the test's.
 */
describe('reading from a real cluster', function () {
  this.timeout(START_MS);
  const cluster = useCluster();
  let server: TestServer;
  let gateway: RunningGateway;
  const kubectl = (user: string, words: string, stdin = ''): Promise<string> =>
    cluster().kubectl(user, words.split(' '), stdin);
  const tryKubectl = (user: string, words: string): Promise<KubectlResult> =>
    cluster().tryKubectl(user, words.split(' '));
  const blame = (user: string, words: string): Promise<Answer> =>
    ask([...words.split(' '), '--kubeconfig', cluster().kubeconfig(user)], { now: Date.now() });
  const file = (name: string): string => cluster().file(name);

  before(async () => {
    await kubectl('admin', 'apply -k manifests/overlays/native-api');
    assert.equal(cluster().startControllers(['namespace-controller', 'clusterrole-aggregation-controller']), true);
    server = await TestServer.start((name) => file(`server-${name}`), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
      accessCluster: { file: cluster().kubeconfig('admin') },
      gatewayUser: GATEWAY,
    });
    await startTheGateway();
    await registerTheWebhook();
    for (const namespace of ['shop', 'bank']) await kubectl('admin', `create namespace ${namespace}`);
    // alice may edit in shop, and nothing else; bob may see everything.
    await kubectl('admin', `create rolebinding alice --clusterrole=edit --user=${ALICE} -n shop`);
    await kubectl('admin', `create clusterrolebinding bob --clusterrole=cluster-admin --user=${BOB}`);
    await until('alice may', async () => (await tryKubectl(ALICE, 'auth can-i list changes.kubeblame.io -n shop')).code === 0, START_MS); // prettier-ignore
    await kubectl(ALICE, 'create configmap settings -n shop --from-literal=level=info');
    await kubectl(ALICE, 'create secret generic pass -n shop --from-literal=p=hunter2');
    await kubectl(BOB, 'create configmap settings -n bank --from-literal=level=info');
    await kubectl(ALICE, 'label configmap settings -n shop tier=web');
    await until('it is available', async () => (await tryKubectl(BOB, 'get changes -A')).code === 0, START_MS);
  });
  after(async () => {
    await gateway?.stop();
    await server?.stop();
  });

  async function startTheGateway(): Promise<void> {
    const now = new Date();
    const authority = await createAuthority({ now, validDays: 1 });
    const dnsNames = ['kubeblame-gateway.kubeblame.svc'];
    const pair = await issueServingCertificate(authority, { now, validDays: 1, dnsNames });
    writeFileSync(file('gateway.crt'), pair.certificate);
    writeFileSync(file('gateway.key'), pair.privateKey);
    writeFileSync(file('upstream-ca.crt'), server.certificates.ca);
    writeFileSync(
      file('gateway.token'),
      await kubectl('admin', 'create token kubeblame-gateway -n kubeblame --audience=kubeblame'),
    );
    const { port } = server.running.read;
    gateway = await startGateway(
      {
        listen: { host: '127.0.0.1', port: 0 },
        tls: { cert: file('gateway.crt'), key: file('gateway.key') },
        upstream: {
          url: new URL(`https://localhost:${port}`),
          caFile: file('upstream-ca.crt'),
          tokenFile: file('gateway.token'),
        },
        cluster: { file: cluster().kubeconfig('admin') },
        place: null,
        logLevel: 'silent',
      },
      pino({ enabled: false }),
    );
    await kubectl('admin', 'delete service kubeblame-gateway -n kubeblame');
    await kubectl('admin', 'create service externalname kubeblame-gateway -n kubeblame --external-name=localhost');
    const caBundle = Buffer.from(authority.certificate).toString('base64');
    // As the server registers it (webhook/install/native-api/api-service.ts), but with a port of this machine.
    const apiService = {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1alpha1.kubeblame.io' },
      spec: {
        ...{ group: 'kubeblame.io', version: 'v1alpha1', groupPriorityMinimum: 1000, versionPriority: 10, caBundle },
        service: { namespace: 'kubeblame', name: 'kubeblame-gateway', port: gateway.address.port },
      },
    };
    await kubectl('admin', 'apply -f -', JSON.stringify(apiService));
  }

  async function registerTheWebhook(): Promise<void> {
    const url = `https://127.0.0.1:${server.running.admission.port}/admit`;
    const everything = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] };
    const configuration = {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'kubeblame' },
      webhooks: [
        {
          name: 'record.kubeblame.io',
          admissionReviewVersions: ['v1'],
          clientConfig: { url, caBundle: Buffer.from(server.certificates.ca).toString('base64') },
          rules: [everything],
          failurePolicy: 'Ignore',
          timeoutSeconds: 5,
          sideEffects: 'NoneOnDryRun',
        },
      ],
    };
    await kubectl('admin', 'apply -f -', JSON.stringify(configuration));
    const probe = async (): Promise<boolean> => {
      await kubectl('admin', 'annotate namespace default --overwrite probe=a' + String(Date.now()));
      const { text } = await server.admission.get('/metrics');
      return !/kubeblame_reviews_total\{result="recorded"\} 0\n/.test(text);
    };
    await until('reviews come', probe, START_MS);
  }

  it('is known to kubectl: its resources, what they mean, and who may', async () => {
    const resources = await kubectl(BOB, 'api-resources --api-group=kubeblame.io --no-headers');
    assert.match(resources, /^changes +kubeblame\.io\/v1alpha1 +true +Change$/m);
    assert.match(await kubectl(BOB, 'explain changes.actor'), /username/);
    assert.equal((await tryKubectl(ALICE, 'auth can-i list changes.kubeblame.io -n shop')).stdout, 'yes\n');
    assert.equal((await tryKubectl(ALICE, 'auth can-i list changes.kubeblame.io -n bank')).stdout, 'no\n');
    assert.equal((await tryKubectl(CAROL, 'auth can-i list changes.kubeblame.io -n shop')).stdout, 'no\n');
  });

  it('gives alice her namespace, as kubectl prints it', async () => {
    const lines = (await kubectl(ALICE, 'get changes -n shop')).trim().split('\n');
    assert.match(lines[0] ?? '', /^NAME +AGE +USER +OPERATION +OBJECT +CHANGE$/);
    const words = lines.slice(1).map((line) => line.split(/ {2,}/).slice(2));
    assert.deepEqual(
      words.filter(([user]) => user === ALICE),
      [
        [ALICE, 'update', 'configmap/settings', '+ metadata.labels: {"tier":"web"}'],
        [ALICE, 'create', 'secret/pass', 'created'],
        [ALICE, 'create', 'configmap/settings', 'created'],
      ],
    );
    for (const words of ['get changes -n bank', 'get changes -A', 'get states -n bank', 'get coverage']) {
      const { code, stdout, stderr } = await tryKubectl(ALICE, words);
      assert.deepEqual([code, stdout], [1, ''], words);
      assert.match(stderr, /^Error from server \(Forbidden\)/, words);
    }
  });

  it('gives bob everything, and everybody what they may whom he impersonates', async () => {
    const all = await kubectl(BOB, 'get changes -A --field-selector name=settings,operation=create -o wide');
    assert.match(all, /^bank +\d+ /m);
    assert.match(all, /^shop +\d+ /m);
    const asAlice = await tryKubectl(BOB, `get changes -n bank --as ${ALICE}`);
    assert.match(asAlice.stderr, /Forbidden.*alice@example\.com/);
    const labelled = await kubectl(BOB, 'get changes -A -l tier=web -o name');
    assert.equal(labelled.trim().split('\n').length, 1);
    const raw = JSON.parse(
      await kubectl(ALICE, 'get --raw /apis/kubeblame.io/v1alpha1/namespaces/shop/changes?limit=1'),
    ) as {
      kind: string;
      items: { metadata: { name: string } }[];
    };
    assert.equal(raw.kind, 'ChangeList');
    const name = raw.items[0]?.metadata.name ?? '';
    assert.match(await kubectl(ALICE, `get change ${name} -n shop -o yaml`), /^kind: Change$/m);
    const elsewhere = await tryKubectl(ALICE, 'get change 1 -n shop');
    const absent = await tryKubectl(ALICE, 'get change 99999999 -n shop');
    assert.equal(elsewhere.stderr, absent.stderr.replace('99999999', '1'));
  });

  it('watches', async () => {
    const watching = tryKubectl(ALICE, 'get changes -n shop -w --request-timeout=6s');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await kubectl(ALICE, 'create configmap seen -n shop');
    await kubectl(BOB, 'create configmap unseen -n bank');
    const { stdout } = await watching;
    assert.equal(stdout.match(/configmap\/seen +created/g)?.length, 1);
    assert.doesNotMatch(stdout, /unseen/);
  });

  it('answers the plugin, each under their own name', async () => {
    const hers = await blame(ALICE, '-n shop');
    assert.equal(hers.code, 0, hers.err);
    assert.match(hers.out, /\talice@example\.com\tlabelled configmap\/settings/);
    assert.match(hers.out, /secret\/pass/);
    // What the native API lists is not recorded in its turn.
    assert.doesNotMatch(hers.out, /change\//);
    const bank = await blame(ALICE, '-n bank');
    const none = await blame(ALICE, '-n void');
    assert.deepEqual([bank.code, bank.out, bank.err], [none.code, none.out, none.err.replaceAll('void', 'bank')]);
    assert.match(bank.err, /^error: "alice@example\.com" may not list changes\.kubeblame\.io in namespace "bank"\n/);
    const everywhere = await blame(ALICE, '--limit 1000');
    assert.doesNotMatch(everywhere.out, /bank/);
    const bobs = await blame(BOB, 'configmap settings -A');
    assert.match(bobs.out, /bank/);
    const impersonated = await blame(BOB, `--as ${ALICE} -n bank`);
    assert.equal(impersonated.err, bank.err);
    assert.doesNotMatch(bobs.out + everywhere.out + hers.out, /hunter2/);
  });

  it('reads with a token of the reader account, by its own rights: no Secrets', async () => {
    const token = (await kubectl('admin', 'create token kubeblame-reader -n kubeblame --audience=kubeblame')).trim();
    const reply = await server.read.get('/api/v1/changes?namespace=shop', { 'X-Kubeblame-Token': token });
    assert.equal(reply.status, 200, reply.text);
    const page = reply.json() as unknown as { changes: { object: { resource: string } }[]; denied: string[] };
    assert.ok(page.changes.some(({ object }) => object.resource === 'configmaps'));
    assert.ok(page.changes.every(({ object }) => object.resource !== 'secrets'));
    assert.ok(page.denied.includes('secrets'));
    const usual = (await kubectl('admin', 'create token kubeblame-reader -n kubeblame')).trim();
    assert.equal((await server.read.get('/api/v1/info', { 'X-Kubeblame-Token': usual })).status, 401);
  });

  it('lets namespaces be deleted while the ledger is stopped', async () => {
    await kubectl('admin', 'create namespace doomed');
    await kubectl('admin', 'delete validatingwebhookconfiguration kubeblame');
    await server.stop();
    await kubectl('admin', 'delete namespace doomed --timeout=60s');
    const { code, stderr } = await tryKubectl(BOB, 'get changes -A');
    assert.equal(code, 1);
    assert.match(stderr, /ledger cannot be reached/);
    assert.match(await kubectl(BOB, 'api-resources --api-group=kubeblame.io'), /changes/);
    const answer = await blame(BOB, '-n shop');
    assert.equal(answer.code, 1);
    assert.match(answer.err, /hint: kubectl get pods -n kubeblame/);
  });
});
