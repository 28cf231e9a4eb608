import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { createAuthority, issueServingCertificate } from '../../../certs/certificates.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { useCluster } from '../../testing/cluster/cluster.ts';
import { freePort } from '../../testing/server/daemon.ts';
import { until, type HttpsClient } from '../../testing/server/server.ts';
import { matchConditions, type MatchCondition } from './match-conditions.ts';

const SLOW_MS = 240_000;
/** More conditions than any node has, and as many as the budget of the API server was seen not to suffice for. */
const COUNTS = [4, 32, 33, 100, 400, 800];

interface Node extends JsonObject {
  status: JsonObject & { conditions: JsonObject[] };
  metadata: JsonObject & { annotations: JsonObject };
}

/** What the API server makes of the conditions, on the largest objects that it takes: those that they must not be too dear for. */
describe('match conditions, evaluated by the API server', function () {
  this.timeout(SLOW_MS);
  const cluster = useCluster();
  let server: Server;
  let client: HttpsClient;
  /** The reviews that came, by webhook: `UPDATE nodes/status n-32`. */
  const came: Record<string, string[]> = { bounded: [], unbounded: [] };

  const bounded = matchConditions(new Predicates([]));
  /** The same, but that conditions are compared however many there are. */
  const unbounded: MatchCondition[] = bounded.map((condition) => ({
    ...condition,
    expression: condition.expression.replace(/object\.status\.conditions\.size\(\) <= \d+ && /, ''),
  }));

  before(async () => {
    const [days, port] = [{ now: new Date(), validDays: 1 }, await freePort()];
    const authority = await createAuthority(days);
    const pair = await issueServingCertificate(authority, {
      ...days,
      dnsNames: ['localhost'],
      ipAddresses: ['127.0.0.1'],
    });
    server = createServer({ cert: pair.certificate, key: pair.privateKey }, (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => void parts.push(part));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(parts).toString()) as { request: Record<string, unknown> };
        const { uid, operation, resource, subResource, name } = review.request as Record<string, string>;
        const of = (resource as unknown as { resource: string }).resource;
        came[(request.url ?? '').slice(1).split('?')[0] ?? '']?.push(`${operation} ${of}${subResource === undefined ? '' : `/${subResource}`} ${name}`); // prettier-ignore
        response.setHeader('Content-Type', 'application/json');
        response.end(JSON.stringify({ ...review, request: undefined, response: { uid, allowed: true } }));
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    client = cluster().client('admin');
    for (const [name, conditions] of Object.entries({ bounded, unbounded })) {
      const configuration = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'ValidatingWebhookConfiguration',
        metadata: { name },
        webhooks: [
          {
            name: `${name}.kubeblame.io`,
            admissionReviewVersions: ['v1'],
            clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle: Buffer.from(authority.certificate).toString('base64') }, // prettier-ignore
            rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['nodes', 'nodes/status', 'configmaps'], operations: ['*'] }], // prettier-ignore
            matchConditions: conditions,
            failurePolicy: 'Ignore',
            sideEffects: 'None',
          },
        ],
      };
      await cluster().kubectl('admin', ['create', '-f', '-'], JSON.stringify(configuration));
    }
    let count = 0;
    await until(
      'reviews come',
      async () => {
        await cluster().kubectl('admin', ['create', 'configmap', `probe-${++count}`]);
        return Object.values(came).every(({ length }) => length > 0);
      },
      60_000,
    );
  });
  after(() => void server?.close());

  const put = async (path: string, body: JsonObject, method: 'POST' | 'PUT'): Promise<JsonObject> => {
    const reply = await client.send(method, path, { 'Content-Type': 'application/json' }, [
      Buffer.from(JSON.stringify(body)),
    ]);
    assert.ok(reply.status < 300, `${method} ${path}: ${reply.status} ${reply.text.slice(0, 300)}`);
    return reply.json();
  };
  /** A number of the API server, of one of the two webhooks. */
  const metric = async (name: string, webhook: string): Promise<number> => {
    const { text } = await client.get('/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(`"${webhook}.kubeblame.io"`)); // prettier-ignore
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const EVALUATION = 'apiserver_admission_match_condition_evaluation';
  const errors = (webhook: string): Promise<number> => metric(`${EVALUATION}_errors_total`, webhook);

  const condition = (n: number, heartbeat: string, reason = 'AsExpected'): JsonObject => ({
    ...{ type: `example.com/Condition${n}`, status: 'False', lastHeartbeatTime: heartbeat, reason },
    ...{ lastTransitionTime: '2026-11-22T05:00:00Z', message: `nothing is wrong with part ${n} of this node, as far as is known` }, // prettier-ignore
  });
  const conditions = (count: number, heartbeat: string): JsonObject[] =>
    Array.from({ length: count }, (_, n) => condition(n, heartbeat));

  it('leaves out a heartbeat where it can tell, and sends it where that would cost too much: none is lost', async () => {
    const figures: string[] = [];
    for (const count of COUNTS) {
      const name = `n-${count}`;
      await put('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } }, 'POST');
      const node = (await client.get(`/api/v1/nodes/${name}`)).json() as Node;
      // As large as a node gets otherwise: annotations of 250 KiB, and 2,000 images.
      const images = Array.from({ length: 2_000 }, (_, n) => ({ names: [`registry.example.com/team/image-${n}:1`], sizeBytes: n })); // prettier-ignore
      node.metadata.annotations = { large: 'x'.repeat(250 * 1024) };
      const annotated = (await put(`/api/v1/nodes/${name}`, node, 'PUT')) as Node;
      annotated.status = { ...annotated.status, images, conditions: conditions(count, '2026-11-22T05:00:00Z') };
      const first = (await put(`/api/v1/nodes/${name}/status`, annotated, 'PUT')) as Node;

      const before = { bounded: came.bounded?.length ?? 0, unbounded: came.unbounded?.length ?? 0 };
      const failed = { bounded: await errors('bounded'), unbounded: await errors('unbounded') };
      const took = await metric(`${EVALUATION}_seconds_sum`, 'bounded');
      first.status.conditions = conditions(count, '2026-11-22T05:05:00Z');
      const second = (await put(`/api/v1/nodes/${name}/status`, first, 'PUT')) as Node;
      const heartbeat = `UPDATE nodes/status ${name}`;
      const ms = ((await metric(`${EVALUATION}_seconds_sum`, 'bounded')) - took) * 1000;
      const ranOut = (await errors('unbounded')) - failed.unbounded;
      // The API server measures only what it leaves out.
      figures.push(`${count} conditions: ${count <= 32 ? `left out in ${ms.toFixed(0)} ms` : 'sent'}, unbounded: ${ranOut === 0 ? 'evaluated' : 'budget exceeded'}`); // prettier-ignore
      assert.deepEqual(came.bounded?.slice(before.bounded), count <= 32 ? [] : [heartbeat], name);

      // A change among them is sent, whatever else is a heartbeat.
      const now = { bounded: came.bounded?.length ?? 0 };
      second.status.conditions[count - 1] = condition(count - 1, '2026-11-22T05:10:00Z', 'Changed');
      await put(`/api/v1/nodes/${name}/status`, second, 'PUT');
      assert.deepEqual(came.bounded?.slice(now.bounded), [heartbeat], name);
      assert.equal(await errors('bounded'), failed.bounded, name);
    }
    assert.equal(await errors('bounded'), 0);
    // What the bound is for.
    assert.ok((await errors('unbounded')) > 0);
    if (process.env.KUBEBLAME_TEST_FIGURES === '1') process.stderr.write(`${figures.join('\n')}\n`);
  });

  it('is cheap for the largest objects of other types', async () => {
    const data = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`key-${n}`, 'x'.repeat(1_000)]));
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large', namespace: 'default' }, data };
    const path = '/api/v1/namespaces/default/configmaps';
    const made = await put(path, body, 'POST');
    await put(`${path}/large`, { ...made, data: { ...data, 'key-1': 'y' } }, 'PUT');
    assert.deepEqual(came.bounded?.slice(-2), ['CREATE configmaps large', 'UPDATE configmaps large']);
    assert.equal(await errors('bounded'), 0);
  });
});
