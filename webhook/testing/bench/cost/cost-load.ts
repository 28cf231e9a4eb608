import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../../shared/types.ts';
import type { Address } from '../../../platform/http/listener.ts';
import { FakeApiServer } from '../../api-server/api-server.ts';
import { CONFIG_MAPS, type ServedType } from '../../api-server/served-types.ts';
import { HttpsClient } from '../../server/server.ts';

/*
 * The writes whose cost is measured, in a process of its own: to a real API server, or as a stand-in for one, which sends the
 * reviews and the watch events of the same writes.
 */

/** What is written to: one small object, or one whose reviews have some 12.6 KB. */
export type Shape = 'small' | 'large';

export type CostOrder =
  /** Be the API server from now on. Answered with its kubeconfig. */
  | { do: 'stand in'; folder: string }
  /** Make the objects, in a real API server or here. */
  | { do: 'prepare'; shape: Shape; salt: number; cluster: ClusterTarget | null; webhook: WebhookTarget | null }
  /** Write to them; so many a second, or as fast as they are answered where null. Answered with the seconds it took. */
  | { do: 'write'; writes: number; perSecond: number | null };

export interface ClusterTarget {
  address: Address;
  ca: string;
  token: string;
}

export interface WebhookTarget {
  port: number;
  ca: string;
  /** False: the events of the writes are not shown to anybody. */
  watched: boolean;
}

export const CONNECTIONS = 8;
const OBJECTS_A_CONNECTION = 10;
const NAMESPACE = 'default';
const DEPLOYMENTS: ServedType = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' };

type Write = (name: string, n: number) => Promise<void>;

const clients: HttpsClient[] = [];
let standIn: FakeApiServer | undefined;
let write: Write = () => Promise.reject(new Error('nothing is prepared'));
let names: string[][] = [];
let written = 0;

process.on('message', (order: CostOrder) => {
  void run(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

async function run(order: CostOrder): Promise<unknown> {
  switch (order.do) {
    case 'stand in':
      standIn = await FakeApiServer.start((name) => `${order.folder}/${name}`, [CONFIG_MAPS, DEPLOYMENTS]);
      return standIn.kubeconfig;
    case 'prepare': {
      for (const client of clients.splice(0)) client.close();
      names = Array.from({ length: CONNECTIONS }, (_, lane) =>
        Array.from({ length: OBJECTS_A_CONNECTION }, (__, n) => `${order.shape}-${order.salt}-${lane}-${n}`),
      );
      const { shape, cluster, webhook } = order;
      if (cluster !== null) write = await inCluster(shape, cluster);
      else if (webhook !== null) write = await asStandIn(shape, webhook);
      return null;
    }
    case 'write':
      return writeAll(order.writes, order.perSecond);
  }
}

/** Resolves with the seconds until all is answered. */
async function writeAll(writes: number, perSecond: number | null): Promise<number> {
  const started = performance.now();
  let next = 0;
  const lane = async (objects: readonly string[]): Promise<void> => {
    for (let n = next++; n < writes; n = next++) {
      if (perSecond !== null) await until(started + (n * 1000) / perSecond);
      await write(objects[written % objects.length] ?? '', ++written);
    }
  };
  await Promise.all(names.map(lane));
  return (performance.now() - started) / 1000;
}

async function until(time: number): Promise<void> {
  const wait = time - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
}

async function inCluster(shape: Shape, { address, ca, token }: ClusterTarget): Promise<Write> {
  const headers = { Authorization: `Bearer ${token}`, 'User-Agent': 'bench/v1' };
  const client = new HttpsClient(address, ca, { connections: CONNECTIONS, headers });
  clients.push(client);
  const root = shape === 'small' ? '/api/v1' : '/apis/apps/v1';
  const path = `${root}/namespaces/${NAMESPACE}/${shape === 'small' ? 'configmaps' : 'deployments'}`;
  const send = async (method: string, to: string, type: string, body: JsonObject): Promise<void> => {
    const bytes = Buffer.from(JSON.stringify(body));
    const { status, text } = await client.send(
      method,
      to,
      { 'Content-Type': type, 'Content-Length': String(bytes.length) },
      [bytes],
    );
    if (status !== 200 && status !== 201) throw new Error(`${method} ${to}: ${status} ${text}`);
  };
  for (const name of names.flat()) await send('POST', path, 'application/json', objectOf(shape, name, 0));
  return (name, n) => send('PATCH', `${path}/${name}`, 'application/merge-patch+json', patchOf(shape, n));
}

/** As the API server: a review, and when it is answered the event of what was persisted. */
async function asStandIn(shape: Shape, { port, ca, watched }: WebhookTarget): Promise<Write> {
  const server = standIn;
  if (server === undefined) throw new Error('it does not stand in for an API server');
  const client = new HttpsClient({ host: '127.0.0.1', port }, ca, { connections: CONNECTIONS });
  clients.push(client);
  const type = shape === 'small' ? CONFIG_MAPS : DEPLOYMENTS;
  const current = new Map<string, JsonObject>();
  const put = (name: string, object: JsonObject): void => {
    current.set(name, watched ? server.put(type, withoutVersion(object)) : object);
  };
  const review = async (name: string, object: JsonObject, oldObject: JsonObject | null): Promise<void> => {
    await client.admit({
      kind: 'AdmissionReview',
      apiVersion: 'admission.k8s.io/v1',
      request: {
        uid: randomUUID(),
        kind: { group: type.group, version: type.version, kind: type.kind },
        resource: { group: type.group, version: type.version, resource: type.resource },
        requestKind: { group: type.group, version: type.version, kind: type.kind },
        requestResource: { group: type.group, version: type.version, resource: type.resource },
        name,
        namespace: NAMESPACE,
        operation: oldObject === null ? 'CREATE' : 'UPDATE',
        userInfo: {
          username: 'alice@example.com',
          groups: ['dev-team', 'system:authenticated'],
        },
        object,
        oldObject,
        dryRun: false,
        options: { kind: 'PatchOptions', apiVersion: 'meta.k8s.io/v1' },
      },
    });
  };
  for (const name of names.flat()) {
    const object = { ...objectOf(shape, name, 0) };
    object.metadata = { ...metadataOf(shape, name), uid: randomUUID(), creationTimestamp: seconds() };
    await review(name, object, null);
    put(name, object);
  }
  return async (name, n) => {
    const before = current.get(name) ?? {};
    const { metadata } = before as { metadata: JsonObject };
    const after = {
      ...objectOf(shape, name, n),
      metadata: { ...metadata, ...metadataOf(shape, name, n) },
    };
    await review(name, after, before);
    put(name, after);
  };
}

function withoutVersion(object: JsonObject): JsonObject {
  const { resourceVersion: _, ...metadata } = object.metadata as JsonObject;
  return { ...object, metadata };
}

function seconds(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** What the API server sets: generation and managedFields. */
function metadataOf(shape: Shape, name: string, n = 0): JsonObject {
  const { metadata } = objectOf(shape, name, n) as { metadata: JsonObject };
  const fieldsOf = shape === 'small' ? { 'f:data': { '.': {}, 'f:level': {}, 'f:n': {} } } : LARGE_FIELDS;
  const entry = {
    manager: 'bench',
    operation: 'Update',
    apiVersion: shape === 'small' ? 'v1' : 'apps/v1',
    time: seconds(),
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsOf,
  };
  return { ...metadata, ...(shape === 'small' ? {} : { generation: n + 1 }), managedFields: [entry] };
}

function patchOf(shape: Shape, n: number): JsonObject {
  return shape === 'small'
    ? { data: { n: String(n) } }
    : { spec: { template: { metadata: { annotations: { n: String(n) } } } } };
}

/** Variables of the one container: they make most of a large object's bytes. */
const VARIABLES = Array.from({ length: 28 }, (_, n) => ({
  name: `SETTING_NUMBER_${n}`,
  value: `value-of-the-setting-number-${n}`,
}));
const LARGE_FIELDS: JsonObject = {
  'f:spec': {
    'f:template': {
      'f:metadata': { 'f:annotations': { '.': {}, 'f:n': {} } },
      'f:spec': {
        'f:containers': {
          'k:{"name":"main"}': {
            'f:env': Object.fromEntries(
              VARIABLES.map(({ name }) => [`k:{"name":"${name}"}`, { '.': {}, 'f:name': {}, 'f:value': {} }]),
            ),
          },
        },
      },
    },
  },
};

/** An object as it is after write number `n`. */
function objectOf(shape: Shape, name: string, n: number): JsonObject {
  const metadata = { name, namespace: NAMESPACE, labels: { app: name, tier: 'bench' } };
  if (shape === 'small')
    return { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { level: 'info', n: String(n) } };
  const labels = { app: name };
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata,
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { n: String(n) } },
        spec: { containers: [{ name: 'main', image: 'registry.example.com/shop/main:1.0.0', env: VARIABLES }] },
      },
    },
  };
}
