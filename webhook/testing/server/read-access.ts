import { createAuthority, issueClientCertificate, type KeyPair } from '../../../certs/certificates.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { FakeApiServer } from '../api-server/api-server.ts';
import { CONFIG_MAPS } from '../api-server/served-types.ts';
import { HttpsClient, TestServer, until, type Reply } from './server.ts';

/** Tokens of the users that tests ask as. */
export const ALICE = 'token-of-alice';
export const BOB = 'token-of-bob';
export const GATEWAY = 'token-of-the-gateway';
export const GATEWAY_USER = 'system:serviceaccount:kubeblame:kubeblame-gateway';

/** A server that a (small) cluster tells who asks and what they may read. */
export class ReadAccessTest {
  private readonly clients: HttpsClient[] = [];

  private constructor(
    readonly api: FakeApiServer,
    readonly server: TestServer,
    /** Of the front proxy; another one may be published later. */
    readonly frontProxyCa: KeyPair,
  ) {}

  static async start(file: (name: string) => string): Promise<ReadAccessTest> {
    const api = await FakeApiServer.start(file, [CONFIG_MAPS]);
    const ca = await createAuthority({ now: new Date(), validDays: 1, commonName: 'front proxy' });
    publishFrontProxy(api, ca, ['front-proxy-client']);
    const { tokens } = api.reviews;
    tokens.set(ALICE, { user: { username: 'alice', groups: ['dev'] }, audiences: ['kubeblame'] });
    tokens.set(BOB, { user: { username: 'bob', groups: ['ops'] }, audiences: ['kubeblame'] });
    tokens.set(GATEWAY, { user: { username: GATEWAY_USER, groups: [] }, audiences: ['kubeblame'] });
    api.reviews.grants.push({ to: 'bob', verbs: ['*'], resources: ['*'] });
    const server = await TestServer.start(file, {
      accessCluster: { file: api.kubeconfig },
      gatewayUser: GATEWAY_USER,
    });
    await until('the front proxy is known', () => server.log.some(({ msg }) => msg === 'front proxy'));
    return new ReadAccessTest(api, server, ca);
  }

  /** Asks with a token, as through the service proxy. */
  as(token: string, path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return this.server.read.get(path, { 'X-Kubeblame-Token': token, ...headers });
  }

  /** A client that presents a certificate of an authority. */
  async withCertificate(authority: KeyPair, commonName: string): Promise<HttpsClient> {
    const pair = await issueClientCertificate(authority, { now: new Date(), validDays: 1, commonName });
    const client = new HttpsClient(this.server.running.read, this.server.certificates.ca, { pair });
    this.clients.push(client);
    return client;
  }

  /** Records a review; the object's uid is made of its name. */
  async record(options: ReviewOptions & { metadata?: JsonObject; body?: JsonObject }): Promise<void> {
    const { metadata = {}, body = {}, ...review } = options;
    const { name = 'settings', namespace = 'shop', kind = 'ConfigMap', group = '', version = 'v1' } = review;
    const object: JsonObject = {
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind,
      metadata: { name, ...(namespace === '' ? {} : { namespace }), uid: `${kind}-${namespace}-${name}`, ...metadata },
      ...body,
    };
    const deletes = review.operation === 'DELETE';
    const reply = await this.server.admission.admit(
      reviewDocument({
        name,
        namespace,
        kind,
        object: deletes ? null : object,
        oldObject: deletes ? object : null,
        ...review,
      }),
    );
    if (reply.status !== 200) throw new Error(reply.text);
  }

  /** An act on a pod: what `subResource` is asked for, with these options. */
  async recordAct(namespace: string, name: string, subResource: string, options: JsonObject): Promise<void> {
    const reply = await this.server.admission.admit(
      reviewDocument({
        ...{ namespace, name, subResource, resource: 'pods', kind: 'Pod', username: 'mallory' },
        operation: subResource === 'eviction' ? 'CREATE' : 'CONNECT',
        object: { apiVersion: 'v1', ...options },
        options: {},
      }),
    );
    if (reply.status !== 200) throw new Error(reply.text);
  }

  /** A namespace; a DELETE is the second one, which ends it. */
  recordNamespace(name: string, uid: string, operation: 'CREATE' | 'DELETE' = 'CREATE'): Promise<void> {
    const metadata = operation === 'CREATE' ? { uid } : { uid, deletionTimestamp: '2026-11-22T05:00:00Z' };
    return this.record({ resource: 'namespaces', kind: 'Namespace', name, namespace: '', operation, metadata });
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.close();
    await this.server.stop();
    await this.api.stop();
  }
}

/** Puts the ConfigMap in which the API server publishes whom extension servers are to trust. */
export function publishFrontProxy(api: FakeApiServer, { certificate }: KeyPair, names: string[]): void {
  api.put(CONFIG_MAPS, {
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'requestheader-client-ca-file': certificate,
      'requestheader-allowed-names': JSON.stringify(names),
      'requestheader-username-headers': '["X-Remote-User"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    },
  });
}
