import assert from 'node:assert/strict';
import { discoveredTypes } from './discovery.ts';

describe('discoveredTypes', () => {
  it('reads all names of the types in an aggregated discovery document, each type once', () => {
    const service = {
      ...{ resource: 'services', responseKind: { group: 'serving.knative.dev', version: 'v1', kind: 'Service' } },
      ...{ scope: 'Namespaced', singularResource: 'service', shortNames: ['kservice', 'ksvc'], categories: ['all'] },
    };
    const items = [
      {
        metadata: { name: 'serving.knative.dev' },
        versions: [
          {
            version: 'v1',
            resources: [service, { resource: 'zones', responseKind: { kind: 'Zone' }, scope: 'Cluster' }],
          },
          { version: 'v1beta1', resources: [service] },
        ],
      },
    ];
    const named = { group: 'serving.knative.dev' };
    assert.deepEqual(discoveredTypes({ kind: 'APIGroupDiscoveryList', items }), [
      {
        ...{ ...named, resource: 'services', kind: 'Service', singular: 'service' },
        ...{ shortNames: ['kservice', 'ksvc'], categories: ['all'], namespaced: true },
      },
      {
        ...{ ...named, resource: 'zones', kind: 'Zone', singular: 'zone' },
        ...{ shortNames: [], categories: [], namespaced: false },
      },
    ]);
  });

  it('finds none in the list of groups of an older API server', () => {
    assert.deepEqual(discoveredTypes({ kind: 'APIGroupList', groups: [] }), []);
    assert.deepEqual(discoveredTypes(null), []);
  });
});
