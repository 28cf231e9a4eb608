import assert from 'node:assert/strict';
import type { JsonObject } from '../../../../shared/types.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import { manualReport } from './manual.ts';

const CONTROLLER = 'system:serviceaccount:argocd:argocd-application-controller';
const KUSTOMIZE = 'system:serviceaccount:flux-system:kustomize-controller';

/** A small cluster, in which each request is persisted. */
class Cluster {
  private readonly bodies = new Map<string, JsonObject>();
  private version = 100;

  constructor(readonly ledger: TestRecorder) {}

  async put(
    kind: 'ConfigMap' | 'Application' | 'Kustomization',
    name: string,
    username: string,
    manager: string,
    rest: JsonObject,
  ): Promise<void> {
    // prettier-ignore
    const { group, version } = TYPES[kind];
    const known = this.bodies.get(`${kind} ${name}`);
    const metadata = {
      ...{
        name,
        namespace: 'shop',
        uid: (known?.metadata as JsonObject | undefined)?.uid ?? `u-${this.version}`,
        creationTimestamp: '2026-11-22T05:00:00Z',
      },
      ...(rest.metadata as JsonObject | undefined),
    };
    const object: JsonObject = { apiVersion: group === '' ? 'v1' : `${group}/${version}`, kind, ...rest, metadata };
    await this.send(kind, name, username, manager, known === undefined ? 'CREATE' : 'UPDATE', object, known ?? null);
    this.version++;
    const persisted = { ...object, metadata: { ...metadata, resourceVersion: String(this.version) } };
    this.bodies.set(`${kind} ${name}`, persisted);
  }

  async remove(kind: 'ConfigMap' | 'Application', name: string, username: string): Promise<void> {
    const known = this.bodies.get(`${kind} ${name}`) ?? null;
    await this.send(kind, name, username, '', 'DELETE', null, known);
    this.bodies.delete(`${kind} ${name}`);
  }

  private async send(
    kind: keyof typeof TYPES,
    name: string,
    username: string,
    manager: string,
    operation: string,
    object: JsonObject | null,
    oldObject: JsonObject | null,
  ): Promise<void> {
    // prettier-ignore
    const options: JsonObject = { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: manager };
    await this.ledger.review({ ...TYPES[kind], kind, name, username, operation, object, oldObject, options });
  }

  async report(): Promise<string[]> {
    const { changes } = await manualReport(this.ledger.store, {}, this.ledger.at);
    return changes.map(
      ({ seq, switched, managedBy, fields }) =>
        `${seq} ${switched ?? managedBy?.application}: ${fields.map(({ path, fate, by }) => `${path} ${fate}${by === null ? '' : ` ${by.seq}`}`).join(', ')}`, // prettier-ignore
    );
  }
}

const TYPES = {
  ConfigMap: { group: '', version: 'v1', resource: 'configmaps' },
  Application: { group: 'argoproj.io', version: 'v1alpha1', resource: 'applications' },
  Kustomization: { group: 'kustomize.toolkit.fluxcd.io', version: 'v1', resource: 'kustomizations' },
} as const;

describe('the report of what was done by hand', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  let cluster: Cluster;
  beforeEach(async () => {
    ledger = await TestRecorder.open(file('ledger.db'));
    cluster = new Cluster(ledger);
  });
  afterEach(() => ledger.close());

  const tracked = { annotations: { 'argocd.argoproj.io/tracking-id': 'web:/ConfigMap:shop/settings' } };
  const config = (data: JsonObject, username = CONTROLLER, metadata: JsonObject = tracked): Promise<void> =>
    cluster.put('ConfigMap', 'settings', username, username === CONTROLLER ? 'argocd-controller' : 'kubectl-edit', { data, metadata }); // prettier-ignore
  const application = (status: JsonObject, spec: JsonObject = {}, username = CONTROLLER): Promise<void> =>
    cluster.put('Application', 'web', username, 'argocd-controller', { spec, status });
  const synced = (revision: string, finishedAt: string): JsonObject => ({
    operationState: { phase: 'Succeeded', finishedAt, operation: { sync: { revision } } },
  });

  it('says that Git says the same now, where the tool has delivered since and left it', async () => {
    await config({ level: 'info' });
    await config({ level: 'debug' }, 'bob@example.com');
    assert.deepEqual(await cluster.report(), ['2 web: data.level open']);
    await application(synced('r1', '2026-11-22T05:00:01Z'));
    assert.deepEqual(await cluster.report(), ['2 web: data.level open'], 'that sync had ended before');
    await application(synced('r2', '2026-11-22T05:01:00Z'));
    assert.deepEqual(await cluster.report(), ['2 web: data.level adopted 4']);
  });

  it('tells who set something back, or to something else', async () => {
    await config({ a: '1', b: '1', c: '1' });
    await config({ a: '2', b: '2', c: '2', d: '2' }, 'bob@example.com');
    await config({ a: '1', b: '3', c: '2', d: '2' }, 'alice@example.com');
    await config({ a: '1', b: '3', c: '1', d: '2' });
    assert.deepEqual(await cluster.report(), [
      '3 web: data.a open, data.b open',
      '2 web: data.a undone 3, data.b replaced 3, data.c taken back 4, data.d not set by the tool',
    ]);
  });

  it('tells what came of a deletion', async () => {
    await config({ a: '1' });
    await cluster.remove('ConfigMap', 'settings', 'erin@example.com');
    assert.deepEqual(await cluster.report(), ['2 web:  open']);
    await config({ a: '1' });
    assert.deepEqual(await cluster.report(), ['2 web:  taken back 3']);
  });

  it('puts first what switches a tool off, until somebody switches it on again', async () => {
    await config({ a: '1' });
    const automated = { syncPolicy: { automated: { selfHeal: true } } };
    await application({}, automated);
    await application({}, { syncPolicy: { automated: { selfHeal: false } } }, 'erin@example.com');
    await config({ a: '2' }, 'bob@example.com');
    assert.deepEqual(await cluster.report(), [
      '3 self-heal switched off: spec.syncPolicy.automated.selfHeal open',
      '4 web: data.a open',
    ]);
    await application({}, automated, 'erin@example.com');
    assert.equal((await cluster.report())[0], '3 self-heal switched off: spec.syncPolicy.automated.selfHeal undone 5');
    const kustomization = (suspend: boolean, username: string): Promise<void> =>
      cluster.put('Kustomization', 'apps', username, 'x', { spec: { suspend } });
    await kustomization(false, KUSTOMIZE);
    await kustomization(true, 'erin@example.com');
    await cluster.remove('Application', 'web', 'erin@example.com');
    assert.deepEqual((await cluster.report()).slice(0, 2), ['8 deleted:  open', '7 suspended: spec.suspend open']);
  });

  it('leaves out what is not the tool’s: copies, what controllers made, and what was made by hand', async () => {
    const copy = { annotations: { 'argocd.argoproj.io/tracking-id': 'web:/ConfigMap:shop/other' } };
    await config({ a: '1' }, 'alice@example.com', copy);
    await config({ a: '2' }, 'alice@example.com', copy);
    const owned = { ...tracked, ownerReferences: [{ kind: 'X', name: 'x', uid: 'x', controller: true }] };
    await cluster.put('ConfigMap', 'settings', 'bob@example.com', 'kubectl-edit', {
      data: { a: '3' },
      metadata: owned,
    });
    await cluster.put('ConfigMap', 'settings', 'bob@example.com', 'kubectl-edit', {
      data: { a: '4' },
      metadata: owned,
    });
    assert.deepEqual(await cluster.report(), []);
    const { totals } = await manualReport(ledger.store, {}, ledger.at);
    assert.deepEqual(totals, { changes: 4, byHand: 0, unmanaged: 4, byTools: 0, byAutoscalers: 0, byRobots: 0, unknown: 0 }); // prettier-ignore
  });

  it('believes no field manager of a person: who writes as Argo CD, has done it by hand', async () => {
    await config({ a: '1' });
    await cluster.put('ConfigMap', 'settings', 'bob@example.com', 'argocd-controller', { data: { a: '2' }, metadata: tracked }); // prettier-ignore
    assert.deepEqual(await cluster.report(), ['2 web: data.a open']);
  });
});
