import assert from 'node:assert/strict';
import type { ServedType } from '../../testing/api-server/served-types.ts';
import { useFolder } from '../../testing/folder.ts';
import { Observed } from '../../testing/api-server/observed.ts';
import { until } from '../../testing/server/server.ts';

const DEPLOYMENTS: ServedType = { group: 'apps', version: 'v1', resource: 'deployments', kind: 'Deployment' };
const DEFINITIONS: ServedType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
};
const TRAINS: ServedType = { group: 'example.com', version: 'v1', resource: 'trains', kind: 'Train' };

describe('which resources are observed', () => {
  const file = useFolder();
  let on: Observed;
  beforeEach(async () => {
    on = await Observed.start(file);
  });
  afterEach(() => on.stop());

  it('follows a resource that a definition adds, and leaves the one whose definition is removed', async () => {
    on.api.serve(DEFINITIONS);
    await on.observed();
    await until('it watches definitions', () => on.api.openWatches() === 2);
    on.api.serve(TRAINS);
    on.api.put(TRAINS, { metadata: { name: 'ice-1', namespace: 'shop', uid: 'u-t' }, spec: {} });
    on.api.put(DEFINITIONS, { metadata: { name: 'trains.example.com', uid: 'u-crd' } });
    await until('it watches trains', () => on.api.openWatches('trains.example.com') === 1);
    await on.recorded(2);
    on.api.remove(TRAINS, 'shop', 'ice-1');
    await on.recorded(3);
    on.api.withdraw('trains.example.com');
    let discoveries = on.api.seen('discovery').length;
    const discovered = (): Promise<void> =>
      until('it has asked since', () => {
        const since = on.api.seen('discovery').slice(discoveries);
        return since.at(-1)?.path === '/apis/apiextensions.k8s.io/v1';
      });
    on.api.remove(DEFINITIONS, '', 'trains.example.com');
    await on.recorded(4);
    await discovered();
    // One follows another: when the next has begun, what that one found out has been done.
    discoveries = on.api.seen('discovery').length;
    on.api.put(DEFINITIONS, { metadata: { name: 'ships.example.com', uid: 'u-ships' } });
    await discovered();
    const asked = on.api.seen('watch', 'trains.example.com').length + on.api.seen('list', 'trains.example.com').length;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(
      on.api.seen('watch', 'trains.example.com').length + on.api.seen('list', 'trains.example.com').length,
      asked,
    );
    assert.equal(on.api.openWatches(), 2);
  });

  it('ends the objects of a definition that is removed while nobody looks', async () => {
    on.api.serve(DEFINITIONS);
    on.api.serve(TRAINS);
    on.api.put(DEFINITIONS, { metadata: { name: 'trains.example.com', uid: 'u-crd' } });
    on.api.put(TRAINS, { metadata: { name: 'ice-1', namespace: 'shop', uid: 'u-t' }, spec: {} });
    await on.observed();
    await on.recorded(2);
    await on.observer?.close();
    on.api.withdraw('trains.example.com');
    on.api.remove(DEFINITIONS, '', 'trains.example.com');
    on.observe();
    await on.recorded(4);
    assert.equal(await on.stateOf('ice-1'), null);
  });

  it('watches the others where a group cannot be discovered', async () => {
    on.api.serve(DEPLOYMENTS);
    on.api.serveBrokenGroup('metrics.k8s.io', 'v1beta1');
    on.put('a', {});
    on.api.put(DEPLOYMENTS, { metadata: { name: 'web', namespace: 'shop', uid: 'u-d' }, spec: { replicas: 1 } });
    await on.observed();
    await until('it watches both', () => on.api.openWatches() === 2);
    assert.equal((await on.ledger.store.last())?.seq, 2);
    assert.deepEqual([on.log[0]?.msg, on.log[0]?.group], ['group not discovered', 'metrics.k8s.io']);
    assert.deepEqual(on.reached, []);
  });

  it('does not watch its own native API: each change would make another one', async () => {
    on.api.serve({ group: 'kubeblame.io', version: 'v1alpha1', resource: 'changes', kind: 'Change' });
    on.put('a', {});
    await on.observed();
    await until('it watches', () => on.api.openWatches() === 1);
    assert.deepEqual(
      on.api.requests.filter(({ path }) => path.includes('kubeblame.io')).map(({ path }) => path),
      [],
    );
  });

  it('keeps the watches of a group that can no longer be discovered', async () => {
    on.api.serve(DEPLOYMENTS);
    await on.observed({ discoverMs: 30 });
    await until('it watches both', () => on.api.openWatches() === 2);
    on.api.fail(({ path }) => path === '/apis/apps/v1', { status: 503 });
    await until('that is noticed', () => on.log.some(({ msg }) => msg === 'group not discovered'));
    on.api.put(DEPLOYMENTS, { metadata: { name: 'web', namespace: 'shop', uid: 'u-d' }, spec: { replicas: 1 } });
    await on.recorded(1);
    assert.equal(on.api.openWatches(), 2);
  });
});
