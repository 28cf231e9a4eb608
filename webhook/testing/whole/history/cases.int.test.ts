import assert from 'node:assert/strict';
import { ownerAt } from '../../../../shared/blame.ts';
import { isObject } from '../../../../shared/json.ts';
import type { Change, Json, JsonObject } from '../../../../shared/types.ts';
import { undo } from '../../../../shared/undo.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { openSqliteReader } from '../../../ledger/sqlite/store/store.ts';
import { importCase } from '../../ledgers/case-ledger.ts';
import { useFolder } from '../../folder.ts';

/*
 * Inputs after public bug reports, each with what is right: shared/fixtures/cases.
 */

const NOW = Date.parse('2026-09-14T09:00:00Z');
const HPA = 'system:serviceaccount:kube-system:horizontal-pod-autoscaler';

class Case {
  private constructor(
    private readonly store: LedgerStore,
    readonly reader: StoreReader,
  ) {}

  static async open(path: string, name: string, watch = true): Promise<Case> {
    await importCase(name, path, watch);
    const store = openSqliteReader(path);
    return new Case(store, new StoreReader(store, () => NOW));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  /** An object's changes, oldest first. */
  async changes(name: string): Promise<Change[]> {
    const query = { scope: { names: [name] }, limit: 100, bodies: true, attempts: true, status: true };
    return (await this.reader.changes(query)).changes.reverse();
  }

  /** One line a change: id, user, outcome, and the values that it changed; generations aside. */
  async told(name: string): Promise<string[]> {
    return (await this.changes(name)).map(({ seq, actor, outcome, deltas, scale }) => {
      const values = deltas
        .filter(({ path }) => path !== 'metadata.generation')
        .map(({ path, before, after }) => (path === '' ? 'created' : `${path}: ${text(before)} -> ${text(after)}`));
      const asked = scale === undefined ? [] : [`scaled: ${scale.from} -> ${scale.to}`];
      return `${seq} ${actor?.username} ${outcome}: ${[...values, ...asked].join(', ')}`;
    });
  }

  async body(name: string, time: string): Promise<JsonObject> {
    const { states } = await this.reader.states({ scope: { names: [name] }, at: Date.parse(time), limit: 2 });
    assert.equal(states.length, 1);
    return states[0]?.body ?? {};
  }

  /** Who set some parts of the object as it is. */
  async owners(name: string, ...paths: string[]): Promise<string[]> {
    const { blames } = await this.reader.blame({ scope: { names: [name] }, at: NOW, limit: 1 });
    return paths.map((path) => {
      const [found] = blames;
      const seq = found === undefined ? 0 : ownerAt(found.owners, path.split('.')).seq;
      return `${path}: ${found?.setters.find((setter) => setter.seq === seq)?.actor?.username}`;
    });
  }

  /** The patch that takes a change back, but for its tests; or why it cannot be undone. */
  async undo(name: string, seq: number, force = false): Promise<unknown> {
    const all = await this.changes(name);
    const body = await this.body(name, new Date(NOW).toISOString());
    const change = all.find((one) => one.seq === seq);
    assert.ok(change !== undefined);
    const present = { body, resourceVersion: '' };
    const { step, problems } = undo({ changes: [change], present, later: all, force });
    if (problems.length > 0) return problems.map(({ kind }) => kind);
    return step.kind === 'patch' ? step.patch.filter(({ op }) => op !== 'test') : step.kind;
  }
}

function text(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function spec(body: JsonObject): JsonObject {
  return isObject(body.spec) ? body.spec : {};
}

describe('a custom resource that is scaled [05]', () => {
  const file = useFolder();
  let ledger: Case;
  afterEach(() => ledger.close());

  for (const [what, name, watch, first] of [
    ['whose definition is known', '05-crd-scale', true, 2],
    ['whose definition is known, from reviews alone', '05-crd-scale', false, 2],
    ['whose definition is not known, but is watched', '05c-crd-scale-no-crd-watch', true, 1],
    ['of which only reviews are known', '05b-crd-scale-no-crd-no-watch', false, 1],
  ] as const) {
    it(`${what}: names who set its number, in the field that keeps it`, async () => {
      ledger = await Case.open(file('case.db'), name, watch);
      const last = watch ? 'committed' : 'unverified';
      assert.deepEqual(await ledger.told('cart'), [
        `${first} dana@example.com committed: created`,
        `${first + 1} erin@example.com committed: spec.cluster.size: 3 -> 5`,
        `${first + 2} ${HPA} committed: spec.cluster.size: 5 -> 6`,
        `${first + 3} frank@example.com ${last}: spec.version: "7.2" -> "7.4"`,
      ]);
      assert.deepEqual(await ledger.owners('cart', 'spec.cluster.size', 'spec.version', 'spec.cluster'), [
        `spec.cluster.size: ${HPA}`,
        'spec.version: frank@example.com',
        'spec.cluster: dana@example.com',
      ]);
      const changes = await ledger.changes('cart');
      const bodies = changes.flatMap(({ before, after }) => [before, after]);
      for (const body of bodies) if (body != null) assert.equal(spec(body).replicas, undefined);
      const hpas = [{ op: 'replace', path: '/spec/cluster/size', value: 5 }];
      assert.deepEqual(await ledger.undo('cart', first + 2), hpas);
      assert.deepEqual(await ledger.undo('cart', first + 1), ['changed']);
      const erins = [{ op: 'replace', path: '/spec/cluster/size', value: 3 }];
      assert.deepEqual(await ledger.undo('cart', first + 1, true), erins);
      const minutes = name === '05-crd-scale' ? ['02', '03'] : ['01', '02'];
      const sizes = [];
      for (const minute of minutes) sizes.push(spec(await ledger.body('cart', `2026-09-14T08:${minute}:30Z`)).cluster);
      // The watch events of a recording have no times: each comes with the next review.
      assert.deepEqual(sizes, [{ size: 5 }, { size: 6 }]);
    });
  }
});

describe('an object that is written in two API versions [07]', () => {
  const file = useFolder();
  let ledger: Case;
  afterEach(() => ledger.close());

  it('is told in the one that is watched, each value by who set it', async () => {
    ledger = await Case.open(file('case.db'), '07-hpa-two-versions');
    const cpu = 'spec.metrics[Resource/cpu].resource.target.averageUtilization';
    assert.deepEqual(await ledger.told('web'), [
      '1 dana@example.com committed: created',
      '2 erin@example.com committed: spec.maxReplicas: 6 -> 10',
      `3 frank@example.com committed: ${cpu}: 70 -> 60`,
      '4 gina@example.com committed: spec.minReplicas: 2 -> 3',
    ]);
    const changes = await ledger.changes('web');
    assert.deepEqual(
      changes.map(({ source, before, after }) => [source, before?.apiVersion, after?.apiVersion]),
      [
        ['admission', undefined, 'autoscaling/v2'],
        ...Array.from({ length: 3 }, () => ['admission', 'autoscaling/v2', 'autoscaling/v2']),
      ],
    );
    assert.deepEqual(
      await ledger.owners(
        'web',
        ...['apiVersion', 'spec.maxReplicas', 'spec.minReplicas', 'spec.metrics', 'spec.metrics.1'],
        ...['spec.metrics.0.resource.target.averageUtilization', 'spec.metrics.0.resource.name'],
      ),
      [
        'apiVersion: dana@example.com',
        'spec.maxReplicas: erin@example.com',
        'spec.minReplicas: gina@example.com',
        'spec.metrics: dana@example.com',
        'spec.metrics.1: dana@example.com',
        'spec.metrics.0.resource.target.averageUtilization: frank@example.com',
        'spec.metrics.0.resource.name: dana@example.com',
      ],
    );
    assert.deepEqual(await ledger.undo('web', 2), [{ op: 'replace', path: '/spec/maxReplicas', value: 6 }]);
    assert.deepEqual(await ledger.undo('web', 3), [
      { op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: 70 },
    ]);
    assert.deepEqual(await ledger.undo('web', 4), [{ op: 'replace', path: '/spec/minReplicas', value: 2 }]);
    const { apiVersion } = await ledger.body('web', '2026-09-14T08:01:30Z');
    assert.equal(apiVersion, 'autoscaling/v2');
  });

  it('is told in the one of each request from reviews alone, and nobody is named for what only looks different', async () => {
    ledger = await Case.open(file('case.db'), '07-hpa-two-versions', false);
    assert.deepEqual(await ledger.told('web'), [
      '1 dana@example.com committed: created',
      '2 erin@example.com committed: spec.maxReplicas: 6 -> 10',
      '3 frank@example.com committed: spec.metrics[Resource/cpu].resource.target.averageUtilization: 70 -> 60',
      '4 gina@example.com unverified: spec.minReplicas: 2 -> 3',
    ]);
    const { apiVersion } = await ledger.body('web', new Date(NOW).toISOString());
    assert.equal(apiVersion, 'autoscaling/v1');
    assert.deepEqual(
      await ledger.owners(
        'web',
        ...['apiVersion', 'spec.maxReplicas', 'spec.minReplicas', 'spec.targetCPUUtilizationPercentage'],
        ...['spec.scaleTargetRef', 'metadata.annotations'],
      ),
      [
        'apiVersion: dana@example.com',
        'spec.maxReplicas: erin@example.com',
        'spec.minReplicas: gina@example.com',
        'spec.targetCPUUtilizationPercentage: frank@example.com',
        'spec.scaleTargetRef: dana@example.com',
        'metadata.annotations: dana@example.com',
      ],
    );
    assert.deepEqual(await ledger.undo('web', 2), [{ op: 'replace', path: '/spec/maxReplicas', value: 6 }]);
  });
});
