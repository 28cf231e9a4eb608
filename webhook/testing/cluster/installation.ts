import { Agent, request } from 'node:https';
import type { Generations } from '../../../certs/generations.ts';
import { isObject, stringifyJson } from '../../../shared/json.ts';
import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Address } from '../../platform/http/listener.ts';
import type { Registration } from '../../install/registration/registration.ts';
import { USUAL_WEBHOOK } from '../../install/registration/configuration.ts';
import { dataOf, decodeGenerations } from '../../install/certificates/secret.ts';
import { FakeApiServer } from '../api-server/api-server.ts';
import type { SeenRequest } from '../api-server/requests.ts';
import type { ServedType } from '../api-server/served-types.ts';
import { useFolder } from '../folder.ts';
import { TestServer, until, type TestServerOptions } from '../server/server.ts';

export const CONFIGURATIONS: ServedType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  resource: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
};
export const SECRETS: ServedType = { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' };
export const NAMESPACES: ServedType = { group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace' };
export const ENDPOINT_SLICES: ServedType = {
  group: 'discovery.k8s.io',
  version: 'v1',
  resource: 'endpointslices',
  kind: 'EndpointSlice',
};
export const CLUSTER_ROLE_BINDINGS: ServedType = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  resource: 'clusterrolebindings',
  kind: 'ClusterRoleBinding',
};
export const API_SERVICES: ServedType = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resource: 'apiservices',
  kind: 'APIService',
};

/** Where the API server calls a webhook, and whom it trusts there: as its configuration says. */
export interface Registered {
  host: string;
  path: string;
  ca: string;
}

/** The webhook configuration that a server has made; null while there is none. */
export function registeredAt(api: FakeApiServer, name = 'kubeblame'): Registered | null {
  const configuration = api.find('validatingwebhookconfigurations.admissionregistration.k8s.io', '', name);
  const [webhook] = Array.isArray(configuration?.webhooks) ? configuration.webhooks : [];
  if (!isObject(webhook) || !isObject(webhook.clientConfig) || !isObject(webhook.clientConfig.service)) return null;
  const { service, caBundle } = webhook.clientConfig as { service: Record<string, string>; caBundle: string };
  return {
    host: `${service.name}.${service.namespace}.svc`,
    path: service.path ?? '',
    ca: Buffer.from(caBundle, 'base64').toString(),
  };
}

/** Calls the webhook as the API server does: by the name of its Service, with the CA of the bundle alone, anew. */
export function callWebhook(address: Address, { host, path, ca }: Registered, review: JsonObject): Promise<number> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false, maxCachedSessions: 0 });
    const headers = { 'Content-Type': 'application/json' };
    const options = { ...address, servername: host, path: `${path}?timeout=3s`, method: 'POST', ca, headers, agent };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(stringifyJson(review));
  });
}

export const OVERLAP_MS = 300;
export const REGISTRATION: Registration = {
  namespace: 'kubeblame',
  service: 'kubeblame',
  servicePort: 443,
  secret: 'kubeblame-tls',
  tlsCa: null,
  gatewayService: null,
  gatewaySecret: 'kubeblame-gateway-tls',
  webhook: USUAL_WEBHOOK,
  timing: { everyMs: 20, overlapMs: OVERLAP_MS },
};
/** What its own certificates are for. */
export const NAMES = { dnsNames: ['kubeblame.kubeblame.svc'] };

let count = 0;
/** The creation of another ConfigMap each time. */
export function newReview(): JsonObject {
  const name = `map-${++count}`;
  return reviewDocument({ name, object: configMap({}, { name, uid: `u-${name}` }) });
}

/** A small API server, and the servers that a test lets register themselves in it. */
export interface Installation {
  api: FakeApiServer;
  /** The present of the servers (ms). */
  clock: number;
  file: (name: string) => string;
  start: (options?: TestServerOptions) => Promise<TestServer>;
  /** Resolves with where the webhook is registered, as soon as it is. */
  registered: () => Promise<Registered>;
  secret: () => JsonObject | undefined;
  generations: () => Generations | null;
  configuration: () => JsonObject;
  /** Sends a new review as the API server would; resolves with the status. */
  call: (server: TestServer, to: Registered) => Promise<number>;
  /** What was written so far. */
  writes: () => SeenRequest[];
}

/** One for each test of a suite. Call inside `describe`. */
export function useInstallation(): Installation {
  const file = useFolder();
  const running: TestServer[] = [];
  let clock = new Clock();
  const on: Installation = {
    api: undefined as unknown as FakeApiServer, // from `beforeEach` on
    get clock() {
      return clock.now();
    },
    set clock(at) {
      clock.standAt(at);
    },
    file,
    start: async (options = {}) => {
      const server = await TestServer.start(file, {
        tls: null,
        callers: { by: 'path', secret: null },
        registration: REGISTRATION,
        kubeconfig: { file: on.api.kubeconfig },
        clock,
        ...options,
      });
      running.push(server);
      return server;
    },
    registered: async () => {
      let at: Registered | null = null;
      await until('it is registered', () => (at = registeredAt(on.api)) !== null);
      return at as unknown as Registered;
    },
    secret: () => on.api.find('secrets', 'kubeblame', 'kubeblame-tls'),
    generations: () => decodeGenerations(dataOf(on.secret() ?? {})),
    configuration: () =>
      on.api.find('validatingwebhookconfigurations.admissionregistration.k8s.io', '', 'kubeblame') ?? {},
    call: (server, to) => callWebhook(server.running.admission, to, newReview()),
    writes: () =>
      on.api.requests.filter(
        ({ verb, type }) => ['create', 'update', 'delete'].includes(verb) && !type.startsWith('selfsubjectreviews.'),
      ),
  };
  beforeEach(async () => {
    clock = new Clock();
    on.clock = Date.now();
    on.api = await FakeApiServer.start(file, [
      ...[CONFIGURATIONS, SECRETS, NAMESPACES],
      ...[API_SERVICES, ENDPOINT_SLICES, CLUSTER_ROLE_BINDINGS],
    ]);
    on.api.put(NAMESPACES, { metadata: { name: 'kubeblame', uid: 'u-namespace' } });
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    await on.api.stop();
  });
  return on;
}
