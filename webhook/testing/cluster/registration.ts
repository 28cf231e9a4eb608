import type { Json, JsonObject } from '../../../shared/types.ts';
import { newConfiguration, USUAL_WEBHOOK, webhooks } from '../../install/registration/configuration.ts';
import type { TestCluster } from './cluster.ts';
import { until, type TestServer } from '../server/server.ts';

/** The configuration that a server makes of itself, with one of this machine in it, as somebody else would register it. */
export function webhookConfiguration({ running, certificates }: TestServer): JsonObject {
  const { host, port } = running.admission;
  const service = { namespace: 'kubeblame', service: 'kubeblame', servicePort: port, pathSecret: '' };
  const more = { caBundle: certificates.ca, webhook: USUAL_WEBHOOK, matchConditions: [] };
  const options = { name: 'kubeblame', ...service, ...more };
  const clientConfig = {
    url: `https://${host}:${port}/admit`,
    caBundle: Buffer.from(certificates.ca).toString('base64'),
  };
  return {
    ...newConfiguration(options, null),
    webhooks: webhooks(options).map((webhook) => ({ ...webhook, clientConfig })),
  };
}

/** Registers a server, and resolves when the API server sends it reviews. */
export async function register(cluster: TestCluster, server: TestServer): Promise<void> {
  const dryRuns = async (): Promise<number> => {
    const { text } = await server.admission.get('/metrics');
    return Number(/^kubeblame_reviews_total\{result="dry-run"\} (\d+)$/m.exec(text)?.[1]);
  };
  const before = await dryRuns();
  await apply(cluster, webhookConfiguration(server));
  const client = cluster.client('admin');
  const probe = Buffer.from(JSON.stringify({ metadata: { generateName: 'probe-' } }));
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(probe.length) };
  await until(
    'the API server calls the webhook',
    async () => {
      await client.send('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', headers, [probe]);
      return (await dryRuns()) > before;
    },
    30_000,
  );
}

/** Applies a document as the admin. */
export function apply(cluster: TestCluster, document: Json, ...args: string[]): Promise<string> {
  return cluster.kubectl('admin', ['apply', '-f', '-', ...args], JSON.stringify(document));
}
