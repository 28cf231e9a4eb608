import assert from 'node:assert/strict';
import { normalise } from '../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { StoreReader } from '../../../ask/questions/reader.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestRecorder } from '../../../testing/ledgers/recorder.ts';
import type { Predicate } from '../../rules/predicates.ts';

const TYPE = { group: 'example.com', resource: 'widgets', kind: 'Widget' };
const REF: ObjectRef = { ...TYPE, namespace: 'shop', name: 'w', uid: 'u-1' };
const DEFINITION: ObjectRef = {
  ...{ group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions', kind: 'CustomResourceDefinition' },
  ...{ namespace: '', name: 'widgets.example.com', uid: 'u-crd' },
};

function definition(subresources: JsonObject): JsonObject {
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: 'widgets.example.com', uid: 'u-crd', resourceVersion: '5' },
    spec: { group: 'example.com', versions: [{ name: 'v0' }, { name: 'v1', subresources }] },
  };
}

const widget = (version: string, spec: JsonObject, generation = 1, more: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'example.com/v1', kind: 'Widget', spec, ...more },
  metadata: {
    name: 'w',
    namespace: 'shop',
    uid: 'u-1',
    generation,
    ...(version === '' ? {} : { resourceVersion: version }),
  },
});

const scale = (version: string, replicas: number): JsonObject => ({
  ...{ apiVersion: 'autoscaling/v1', kind: 'Scale' },
  metadata: { name: 'w', namespace: 'shop', uid: 'u-1', resourceVersion: version },
  // As Go writes it.
  spec: replicas === 0 ? {} : { replicas },
});

describe('a request to scale a custom resource', () => {
  const file = useFolder();
  let ledger: TestRecorder;
  const open = async (rules: Predicate[] = []): Promise<void> => {
    ledger = await TestRecorder.open(file('ledger.db'), rules);
  };
  afterEach(() => ledger.close());

  const show = (object: ObjectRef, body: JsonObject): Promise<void> =>
    ledger.recorder.observe(object, normalise(body), (ledger.at += 100));
  const ask = (version: string, from: number, to: number, username = 'erin'): Promise<unknown> =>
    ledger.review({
      ...{ group: 'example.com', resource: 'widgets', kind: 'Scale', name: 'w', subResource: 'scale', username },
      ...{ operation: 'UPDATE', oldObject: scale(version, from), object: scale(version, to) },
    });
  /** Of the object's changes, oldest first: source, outcome, user and what they changed; or what was asked for. */
  const told = async (): Promise<string[]> => {
    const reader = new StoreReader(ledger.store, () => ledger.at);
    const { changes } = await reader.changes({ scope: { names: ['w'] }, limit: 20, attempts: true });
    return changes.reverse().map(({ source, outcome, actor, deltas, scale: asked, cause }) => {
      const values = deltas.map(({ path, before, after }) =>
        path === '' ? 'created' : `${path} ${JSON.stringify(before)} ${JSON.stringify(after)}`,
      );
      const scaled = asked === undefined ? '' : `scaled ${asked.from} ${asked.to}`;
      const by = actor?.username ?? (cause === null ? 'nobody' : `change ${cause}`);
      return `${source} ${outcome} ${by}: ${[...values, scaled].filter((text) => text !== '').join(', ')}`;
    });
  };
  const stateNow = async (): Promise<JsonObject | undefined> =>
    (await new StoreReader(ledger.store, () => ledger.at).states({ scope: { names: ['w'] }, at: ledger.at, limit: 1 }))
      .states[0]?.body;

  const known = definition({ scale: { specReplicasPath: '.spec.pool.size' } });
  for (const [what, rules] of [
    ['recorded', []],
    ['left out by a rule', [{ action: 'exclude', resources: ['customresourcedefinitions.apiextensions.k8s.io'] }]],
  ] as [string, Predicate[]][]) {
    it(`sets the field that its definition names, which is ${what}`, async () => {
      await open(rules);
      await show(DEFINITION, known);
      await show(REF, widget('10', { pool: { size: 1 } }));
      await ask('10', 1, 4);
      const [, erins] = await told();
      assert.equal(erins, 'admission pending erin: spec.pool.size 1 4, metadata.generation 1 2');
      await show(REF, widget('11', { pool: { size: 4 } }, 2));
      assert.equal((await told())[1], 'admission committed erin: spec.pool.size 1 4, metadata.generation 1 2');
      const definitions = await ledger.store.objects({ names: [DEFINITION.name] }, 5);
      assert.equal(definitions.length, rules.length === 0 ? 1 : 0);
    });
  }

  const unknown: Record<string, JsonObject | null> = {
    'is not known': null,
    'does not let this version be scaled': definition({}),
  };
  for (const [what, crd] of Object.entries(unknown)) {
    it(`says who asked for which number, and invents no field, where the definition ${what}`, async () => {
      await open();
      if (crd !== null) await show(DEFINITION, crd);
      await show(REF, widget('10', { pool: { size: 1 } }));
      await ask('10', 1, 4);
      assert.equal((await told()).at(-1), 'admission pending erin: scaled 1 4');
      assert.deepEqual(await stateNow(), normalise(widget('', { pool: { size: 1 } })).body);
    });
  }

  it('owns what is filled in beside its number, where nobody else has written', async () => {
    await open();
    await show(REF, widget('10', { pool: {} }));
    await ask('10', 0, 4);
    const managed = [{ manager: 'kubectl', time: '2026-11-22T05:00:01Z', subresource: 'scale' }];
    const shown = widget('11', { pool: { size: 4 } }, 2, { filled: 'in' });
    await show(REF, { ...shown, metadata: { ...(shown.metadata as JsonObject), managedFields: managed } });
    assert.deepEqual(await told(), [
      'baseline committed nobody: created',
      'admission committed erin: spec.pool.size undefined 4, metadata.generation 1 2, filled undefined "in"',
    ]);
  });

  it('leaves to somebody unknown what else has changed', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 1 }, colour: 'red' }));
    await ask('10', 1, 4);
    await show(REF, widget('13', { pool: { size: 4 }, colour: 'blue' }, 3));
    assert.deepEqual(await told(), [
      'baseline committed nobody: created',
      'admission committed erin: spec.pool.size 1 4, metadata.generation 1 2',
      'watch committed nobody: spec.colour "red" "blue", metadata.generation 2 3',
    ]);
  });

  it('is neither dropped nor given a field where two may be meant, or the number is not there', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 1 }, copies: 1 }));
    await ask('10', 1, 4);
    await show(REF, widget('11', { pool: { size: 4 }, copies: 4 }, 2));
    await ask('11', 4, 7);
    await show(REF, widget('12', { pool: { size: 4 }, copies: 5 }, 3));
    assert.deepEqual(await told(), [
      'baseline committed nobody: created',
      'admission pending erin: scaled 1 4',
      'watch committed nobody: spec.pool.size 1 4, spec.copies 1 4, metadata.generation 1 2',
      'admission pending erin: scaled 4 7',
      'watch committed nobody: spec.copies 4 5, metadata.generation 2 3',
    ]);
  });

  it('is told one by one where several lie between two bodies, if each found what the one before it asked for', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 1 } }));
    await ask('10', 1, 4);
    await ask('11', 4, 2, 'frank');
    await ask('12', 2, 9);
    await show(REF, widget('13', { pool: { size: 9 } }, 4));
    assert.deepEqual((await told()).slice(1), [
      'admission committed erin: spec.pool.size 1 4, metadata.generation 1 2',
      'admission committed frank: spec.pool.size 4 2, metadata.generation 2 3',
      'admission committed erin: spec.pool.size 2 9, metadata.generation 3 4',
    ]);
    assert.deepEqual(await stateNow(), normalise(widget('', { pool: { size: 9 } }, 4)).body);
  });

  it('is told one after the other where a watch shows the first while the next is on its way', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 1 } }));
    await ask('10', 1, 4);
    await ask('11', 4, 2, 'frank');
    await show(REF, widget('11', { pool: { size: 4 } }, 2));
    assert.deepEqual((await told()).slice(1), [
      'admission committed erin: spec.pool.size 1 4, metadata.generation 1 2',
      'admission pending frank: scaled 4 2',
    ]);
    await ledger.close();
    await open();
    ledger.at += 60_000;
    await show(REF, widget('12', { pool: { size: 2 } }, 3));
    assert.deepEqual((await told()).slice(1), [
      'admission committed erin: spec.pool.size 1 4, metadata.generation 1 2',
      'admission committed frank: spec.pool.size 4 2, metadata.generation 2 3',
    ]);
  });

  it('is not invented for where one in between was not recorded', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 1 } }));
    await ask('10', 1, 4);
    await ask('12', 7, 2, 'frank');
    await show(REF, widget('13', { pool: { size: 2 } }, 4));
    assert.deepEqual((await told()).slice(1), [
      'admission pending erin: scaled 1 4',
      'admission pending frank: scaled 7 2',
      'watch committed nobody: spec.pool.size 1 2, metadata.generation 1 4',
    ]);
  });

  it('that asks for the number that is there changes nothing', async () => {
    await open();
    await show(REF, widget('10', { pool: { size: 3 } }));
    assert.equal(await ask('10', 3, 3), 'unchanged');
  });
});
