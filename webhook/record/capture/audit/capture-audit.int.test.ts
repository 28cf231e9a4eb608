import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { stringifyJson } from '../../../../shared/json.ts';
import type { Change, Json, JsonObject } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { importAuditInto } from '../../../testing/audit-ledger.ts';

const START = Date.parse('2026-11-22T05:00:00Z');
const UID = '0b7e5a3c-4f5e-4a4e-9b0e-6f1c3d2e1a00';
let count = 0;

const stamp = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

function deployment(version: number, spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: UID,
      resourceVersion: String(version),
      creationTimestamp: stamp(0),
      ...metadata,
    },
    spec,
  };
}

/** A request on the Deployment `seconds` after the start. */
function event(seconds: number, verb: string, values: JsonObject = {}): JsonObject {
  const id = `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: id,
    stage: 'ResponseComplete',
    requestURI: '/apis/apps/v1/namespaces/shop/deployments/web',
    verb,
    user: { username: 'alice@example.com', groups: ['dev-team'] },
    sourceIPs: ['192.0.2.7'],
    userAgent: 'kubectl/v1.32.4',
    objectRef: { resource: 'deployments', namespace: 'shop', name: 'web', apiGroup: 'apps', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: verb === 'create' ? 201 : 200 },
    requestReceivedTimestamp: stamp(seconds),
    stageTimestamp: stamp(seconds + 0.1),
    ...values,
  };
}

const BOB = { user: { username: 'bob@example.com', groups: ['sre'] } };

describe('a request of the audit log', () => {
  const file = useFolder();

  async function take(events: readonly Json[], name = 'audit'): Promise<Awaited<ReturnType<typeof importAuditInto>>> {
    writeFileSync(file(name), events.map((one) => `${stringifyJson(one)}\n`).join(''));
    return importAuditInto(file('a.db'), [file(name)]);
  }

  async function read<T>(ask: (reader: StoreReader) => Promise<T>): Promise<T> {
    const store = openSqliteReader(file('a.db'));
    try {
      return await ask(new StoreReader(store, () => START + 86_400_000));
    } finally {
      await store.close();
    }
  }

  const history = (extra: object = {}): Promise<Change[]> =>
    read(async (reader) => (await reader.changes({ scope: {}, limit: 100, status: true, ...extra })).changes.reverse());

  const line = ({ actor, source, effect, outcome, deltas, scale }: Change): string =>
    [
      actor?.username ?? 'nobody',
      source,
      effect,
      outcome,
      ...deltas.filter(({ path }) => path !== '').map(({ path, after }) => `${path}=${JSON.stringify(after ?? null)}`),
      scale === undefined ? '' : 'scale',
    ]
      .join(' ')
      .trim();

  const replicasAt = (seconds: number): Promise<Json | undefined> =>
    read(async (reader) => {
      const { states } = await reader.states({ scope: {}, at: START + seconds * 1000, limit: 10 });
      return (states[0]?.body.spec as JsonObject | undefined)?.replicas;
    });

  it('at the level RequestResponse gives the body, and what was changed', async () => {
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(2, 'patch', {
        ...BOB,
        requestObject: { spec: { replicas: 3 } },
        responseObject: deployment(11, { replicas: 3 }),
      }),
    ]);
    const changes = await history();
    assert.deepEqual(changes.map(line), [
      'alice@example.com audit created committed',
      'bob@example.com audit modified committed spec.replicas=3',
    ]);
    const { audit } = changes[1] ?? {};
    assert.deepEqual(
      [audit?.verb, audit?.code, audit?.sourceIPs, audit?.userAgent],
      ['patch', 200, ['192.0.2.7'], 'kubectl/v1.32.4'],
    );
  });

  it('of an object that was not known before tells what was asked, and not what it changed', async () => {
    await take([
      event(1, 'patch', { requestObject: { spec: { replicas: 3 } }, responseObject: deployment(11, { replicas: 3 }) }),
    ]);
    const changes = await history();
    assert.deepEqual(changes.map(line), [
      'nobody baseline created committed',
      'alice@example.com audit modified committed',
    ]);
    assert.deepEqual(changes[1]?.options, { request: { spec: { replicas: 3 } } });
  });

  for (const [level, values, options] of [
    ['Metadata', {}, null],
    [
      'Request',
      { requestObject: [{ op: 'replace', path: '/spec/replicas', value: 2 }] },
      { request: [{ op: 'replace', path: '/spec/replicas', value: 2 }] },
    ],
    ['RequestResponse', { annotations: { 'audit.k8s.io/truncated': 'true' } }, null],
  ] as const) {
    it(`at the level ${level} without a body tells that something changed, and the next body is not all the next one's doing`, async () => {
      await take([
        event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
        event(2, 'patch', { ...BOB, level, ...(values as JsonObject) }),
        event(3, 'patch', {
          requestObject: { spec: { paused: true } },
          responseObject: deployment(12, { replicas: 2, paused: true }),
        }),
        event(4, 'patch', {
          requestObject: { spec: { paused: false } },
          responseObject: deployment(13, { replicas: 2, paused: false }),
        }),
      ]);
      const changes = await history();
      assert.deepEqual(changes.map(line), [
        'alice@example.com audit created committed',
        'bob@example.com audit modified committed',
        'nobody watch modified committed spec.replicas=2 spec.paused=true',
        'alice@example.com audit modified committed',
        'alice@example.com audit modified committed spec.paused=false',
      ]);
      assert.deepEqual(changes[1]?.options, options);
    });
  }

  it('that deletes is answered with a Status, or with the object that stays', async () => {
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(2, 'delete', {
        ...BOB,
        responseObject: deployment(
          11,
          { replicas: 1 },
          { deletionTimestamp: stamp(2), deletionGracePeriodSeconds: 0, finalizers: ['foregroundDeletion'] },
        ),
      }),
      event(3, 'patch', {
        responseObject: deployment(11, { replicas: 1 }, { deletionTimestamp: stamp(2), deletionGracePeriodSeconds: 0 }),
      }),
      event(4, 'create', { responseObject: deployment(20, { replicas: 5 }, { uid: UID.replace('0b', '1c') }) }),
      event(5, 'delete', {
        responseObject: {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Success',
          details: { name: 'web', group: 'apps', kind: 'deployments', uid: UID.replace('0b', '1c') },
        },
      }),
    ]);
    assert.deepEqual(
      (await history()).map(({ effect, operation, actor }) => `${actor?.username ?? ''} ${operation} ${effect}`),
      [
        'alice@example.com CREATE created',
        'bob@example.com DELETE modified',
        'alice@example.com UPDATE deleted',
        'alice@example.com CREATE created',
        'alice@example.com DELETE deleted',
      ],
    );
    assert.deepEqual(
      [await replicasAt(2.5), await replicasAt(3.5), await replicasAt(4.5), await replicasAt(5.5)],
      [1, undefined, 5, undefined],
    );
  });

  it('that scales sets the number, also where only the path names the object', async () => {
    const scale = {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web', namespace: 'shop', uid: UID, resourceVersion: '11' },
      spec: { replicas: 4 },
    };
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(2, 'patch', {
        ...BOB,
        requestURI: '/apis/apps/v1/namespaces/shop/deployments/web/scale',
        objectRef: { resource: 'deployments', apiGroup: 'apps', apiVersion: 'v1', subresource: 'scale' },
        requestObject: { spec: { replicas: 4 } },
        responseObject: scale,
      }),
    ]);
    assert.deepEqual((await history()).map(line)[1], 'bob@example.com audit modified committed spec.replicas=4');
  });

  it('that is a dry run, or changes nothing, is no change', async () => {
    const { requests, passedOver } = await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(2, 'patch', {
        requestURI: '/apis/apps/v1/namespaces/shop/deployments/web?dryRun=All',
        responseObject: deployment(10, { replicas: 9 }),
      }),
      event(3, 'update', {
        requestObject: deployment(10, { replicas: 1 }),
        responseObject: deployment(10, { replicas: 1 }),
      }),
    ]);
    assert.deepEqual([requests.recorded, requests.unchanged, passedOver['a dry run']], [1, 1, 1]);
  });

  it('that was refused is an attempt, which denied tells', async () => {
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(2, 'delete', {
        ...BOB,
        impersonatedUser: { username: 'carol@example.com', groups: [] },
        responseStatus: {
          code: 403,
          status: 'Failure',
          reason: 'Forbidden',
          message: 'deployments.apps "web" is forbidden',
        },
        responseObject: {
          kind: 'Status',
          apiVersion: 'v1',
          code: 403,
          reason: 'Forbidden',
          message: 'deployments.apps "web" is forbidden',
          details: { name: 'web', kind: 'deployments' },
        },
      }),
      event(3, 'patch', {
        ...BOB,
        responseStatus: { code: 504, message: 'request did not complete within requested timeout' },
      }),
    ]);
    assert.deepEqual((await history()).length, 2);
    const [refused, ...others] = await history({ refused: true });
    assert.equal(others.length, 0);
    assert.deepEqual(
      [
        refused?.actor?.username,
        refused?.audit?.impersonator?.username,
        refused?.audit?.code,
        refused?.audit?.message,
        refused?.outcomeReason,
      ],
      ['carol@example.com', 'bob@example.com', 403, 'deployments.apps "web" is forbidden', 'the API server refused it'],
    );
    const givenUp = (await history()).at(-1);
    assert.deepEqual([givenUp?.outcome, givenUp?.effect], ['unverified', 'none']);
  });

  it('that is older than what is recorded keeps its time, and moments are answered by it', async () => {
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(9, 'patch', { responseObject: deployment(40, { replicas: 7 }) }),
    ]);
    await take(
      [
        event(5, 'patch', { ...BOB, responseObject: deployment(20, { replicas: 3 }) }),
        event(6, 'patch', { ...BOB, responseObject: deployment(30, { replicas: 3, paused: true }) }),
      ],
      'older',
    );
    assert.deepEqual(
      [await replicasAt(3), await replicasAt(5.5), await replicasAt(7), await replicasAt(10)],
      [1, 3, 3, 7],
    );
    const changes = (await history()).sort((a, b) => a.at - b.at);
    assert.deepEqual(
      changes.map((change) => `${(change.at - START) / 1000} ${line(change)}`),
      [
        '1.1 alice@example.com audit created committed',
        '5.1 bob@example.com audit modified committed spec.replicas=3',
        '6.1 bob@example.com audit modified committed spec.paused=true',
        '9.1 alice@example.com audit modified committed spec.replicas=7 spec.paused=null',
      ],
    );
    const between = await history({ since: START + 4_000, until: START + 7_000 });
    assert.deepEqual(
      between.map(({ actor }) => actor?.username),
      ['bob@example.com', 'bob@example.com'],
    );
    const blamed = await read((reader) =>
      reader.blame({ scope: {}, at: START + 7_000, limit: 1, field: 'spec.replicas' }),
    );
    assert.deepEqual(
      blamed.blames[0]?.setters.map(({ actor }) => actor?.username),
      ['bob@example.com'],
    );
  });

  it('that is older and tells no version leaves a newer state as it is', async () => {
    await take([
      event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }),
      event(9, 'patch', { responseObject: deployment(40, { replicas: 7 }) }),
    ]);
    const scale = { requestURI: '/apis/apps/v1/namespaces/shop/deployments/web/scale', objectRef: {} };
    const older = { ...BOB, ...scale, level: 'Request', requestObject: { spec: { replicas: 3 } } };
    const { requests } = await take([event(5, 'patch', older)], 'older');
    assert.equal(requests.recorded, 1);
    assert.deepEqual([await replicasAt(8), await replicasAt(10)], [1, 7]);
    const told = (await history()).find(({ actor }) => actor?.username === 'bob@example.com');
    assert.deepEqual([told?.effect, told?.subresource, told?.at], ['none', 'scale', START + 5_100]);
  });

  it('that is older ends nothing that was made since under the same name', async () => {
    const inShop = (kind: string, resource: string, uid: string, version: number): JsonObject => {
      const isNamespace = kind === 'Namespace';
      const name = isNamespace ? 'shop' : 'settings';
      const place = isNamespace ? {} : { namespace: 'shop' };
      const path = isNamespace ? '/api/v1/namespaces/shop' : `/api/v1/namespaces/shop/${resource}/${name}`;
      return {
        requestURI: path,
        objectRef: { resource, ...place, name, apiVersion: 'v1', uid },
        responseObject: {
          apiVersion: 'v1',
          kind,
          metadata: { name, ...place, uid, resourceVersion: String(version), creationTimestamp: stamp(0) },
        },
      };
    };
    // Of the first namespace, this API server logged only the creation.
    await take([
      event(1, 'create', inShop('Namespace', 'namespaces', 'namespace-1', 10)),
      event(20, 'create', inShop('Namespace', 'namespaces', 'namespace-2', 40)),
      event(21, 'create', inShop('ConfigMap', 'configmaps', 'settings-2', 41)),
    ]);
    await take(
      [
        event(2, 'create', inShop('ConfigMap', 'configmaps', 'settings-1', 11)),
        event(8, 'delete', inShop('Namespace', 'namespaces', 'namespace-1', 20)),
      ],
      'older',
    );
    const { states } = await read((reader) => reader.states({ scope: {}, at: START + 60_000, limit: 10 }));
    assert.deepEqual(states.map(({ object: { uid } }) => uid).sort(), ['namespace-2', 'settings-2']);
  });

  it('leaves no value of a Secret in the ledger, whichever way it was sent', async () => {
    const value = 'aHVudGVyMi1pcy1zZWNyZXQ=';
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', namespace: 'shop', uid: UID, resourceVersion: '50' },
      data: { password: value },
    };
    const of = {
      requestURI: '/api/v1/namespaces/shop/secrets/db',
      objectRef: { resource: 'secrets', namespace: 'shop', name: 'db', apiVersion: 'v1' },
    };
    await take([
      event(1, 'create', { ...of, requestObject: secret, responseObject: secret }),
      event(2, 'patch', { ...of, level: 'Request', requestObject: [{ op: 'replace', path: '/data/password', value }] }),
      event(3, 'patch', { ...of, level: 'Request', requestObject: { data: { password: value } } }),
      event(4, 'patch', {
        ...of,
        requestObject: { stringData: { password: 'hunter2-is-secret' } },
        responseStatus: {
          code: 422,
          reason: 'Invalid',
          message: 'Secret "db" is invalid: data[password]: Invalid value: "hunter2-is-secret": no',
        },
      }),
    ]);
    const told = JSON.stringify(await history({ attempts: true, bodies: true }));
    for (const text of [value, 'hunter2', 'aHVudGVy']) assert.ok(!told.includes(text), text);
    assert.ok(!readFileSync(file('a.db')).includes(value));
    assert.ok(told.includes('redacted'));
  });

  it('that cannot be used is told with its line, and is a gap; the rest is taken', async () => {
    writeFileSync(
      file('audit'),
      `${stringifyJson(event(1, 'create', { responseObject: deployment(10, { replicas: 1 }) }))}\n{"kind":"Event","auditID":\n${stringifyJson(event(3, 'patch', { responseObject: deployment(11, { replicas: 2 }) }))}\n`,
    );
    const { bad, told, requests } = await importAuditInto(file('a.db'), [file('audit')]);
    assert.deepEqual([bad, requests.recorded], [1, 2]);
    assert.deepEqual(told, [`${file('audit')}, line 2: not valid JSON: Unexpected end of JSON input`]);
    const coverage = await read((reader) => reader.coverage());
    assert.ok(
      JSON.stringify(coverage).includes('in an audit log: 1 event could not be used'),
      JSON.stringify(coverage),
    );
  });
});
