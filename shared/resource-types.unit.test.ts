import assert from 'node:assert/strict';
import { BUILT_IN_TYPES } from './built-in-types.ts';
import {
  displayName,
  nearest,
  qualifiedName,
  resolveType,
  typeNamer,
  typeOfDefinition,
  typesCalled,
  typesInCategory,
} from './resource-types.ts';

const SEEN = [
  { group: 'shop.example.com', resource: 'features', kind: 'Feature' },
  { group: 'serving.knative.dev', resource: 'services', kind: 'Service' },
  { group: 'apps', resource: 'deployments', kind: 'Deployment' },
];

function resolved(text: string): string {
  return qualifiedName(resolveType(text, SEEN));
}

describe('resolveType', () => {
  it('takes what kubectl takes', () => {
    for (const text of [
      'deployment',
      'deployments',
      'Deployment',
      'DEPLOY',
      'deploy.apps',
      'deployments.apps',
      'deployments.v1.apps',
      'Deployment.v1.apps',
    ]) {
      assert.equal(resolved(text), 'deployments.apps', text);
    }
    for (const text of ['po', 'pod', 'pods', 'pods.v1', 'pods.v1.', 'Pod.v1.'])
      assert.equal(resolved(text), 'pods', text);
    assert.equal(resolved('crds'), 'customresourcedefinitions.apiextensions.k8s.io');
    assert.equal(resolved('netpol'), 'networkpolicies.networking.k8s.io');
  });

  it('prefers the group that kubectl prefers', () => {
    assert.equal(resolved('events'), 'events');
    assert.equal(resolved('events.events.k8s.io'), 'events.events.k8s.io');
    assert.equal(resolved('ingress'), 'ingresses.networking.k8s.io');
    assert.equal(resolved('service'), 'services');
    assert.equal(resolved('pods.metrics.k8s.io'), 'pods.metrics.k8s.io');
  });

  it('finds the types that the ledger has seen', () => {
    assert.equal(resolved('Feature'), 'features.shop.example.com');
    assert.equal(resolved('features.shop'), 'features.shop.example.com');
    assert.equal(resolved('service.serving.knative.dev'), 'services.serving.knative.dev');
    assert.equal(resolveType('feature', SEEN).namespaced, null);
  });

  it('names the nearest where a type is unknown', () => {
    for (const [text, hint] of [
      ['deploymnet', 'did you mean deployments?'],
      ['confgmap', 'did you mean configmaps?'],
      ['featrue', 'did you mean features?'],
      ['deployments.aps', 'did you mean deployments.apps?'],
    ] as const) {
      assert.throws(() => resolveType(text, SEEN), {
        code: 'type-unknown',
        message: `no resource type is called "${text}"`,
        hint,
      });
    }
    assert.throws(() => resolveType('pods.apps', SEEN), { code: 'type-unknown' });
    assert.throws(() => resolveType('xyzzyxyzzy', SEEN), { hint: /without TYPE, everything is meant$/ });
  });

  it('learns names and scope from a definition', () => {
    const definition = {
      spec: {
        group: 'shop.example.com',
        scope: 'Cluster',
        names: { plural: 'features', kind: 'Feature', shortNames: ['ft'] },
      },
    };
    const type = typeOfDefinition(definition);
    assert.ok(type);
    assert.equal(resolveType('ft', [...SEEN, type]).namespaced, false);
    assert.equal(typeOfDefinition({ spec: {} }), null);
  });
});

describe('built-in types', () => {
  it('have one entry for each resource, and the scope of known ones', () => {
    const names = BUILT_IN_TYPES.map(qualifiedName);
    assert.equal(new Set(names).size, names.length);
    assert.equal(resolveType('node', []).namespaced, false);
    assert.equal(resolveType('cj', []).namespaced, true);
    assert.ok(BUILT_IN_TYPES.every(({ kind, resource }) => /^[A-Z]\w+$/.test(kind) && /^[a-z]+$/.test(resource)));
  });
});

describe('displayName', () => {
  it('is short where it is clear', () => {
    assert.equal(displayName({ group: 'apps', resource: 'deployments', kind: 'Deployment' }), 'deployment');
    assert.equal(
      displayName({ group: 'serving.knative.dev', resource: 'services', kind: 'Service' }),
      'service.serving.knative.dev',
    );
    assert.equal(displayName({ group: 'shop.example.com', resource: 'features', kind: 'Feature' }), 'feature');
  });
});

describe('typeNamer', () => {
  it('adds the group where another known type has the name, but for types of Kubernetes', () => {
    const type = (group: string, resource: string, kind: string) => ({ group, resource, kind });
    const [capi, cnpg] = [
      type('cluster.x-k8s.io', 'clusters', 'Cluster'),
      type('postgresql.cnpg.io', 'clusters', 'Cluster'),
    ];
    const [apps, other] = [
      type('apps', 'deployments', 'Deployment'),
      type('x.example.com', 'deployments', 'Deployment'),
    ];
    const name = typeNamer([capi, cnpg, apps, other]);
    assert.deepEqual([capi, cnpg, apps, other].map(name), [
      'cluster.cluster.x-k8s.io',
      'cluster.postgresql.cnpg.io',
      'deployment',
      'deployment.x.example.com',
    ]);
    assert.equal(typeNamer([capi, capi])(capi), 'cluster');
  });

  it('knows the types of a category, of a definition too', () => {
    const defined = typeOfDefinition({
      spec: { group: 'x.io', names: { plural: 'webs', kind: 'Web', categories: ['all', 'shop'] } },
    });
    assert.ok(defined !== null);
    assert.equal(typesInCategory('all', []).length, 10);
    assert.deepEqual(typesInCategory('ALL', [defined]).at(-1)?.resource, 'webs');
    assert.deepEqual(
      typesInCategory('shop', [defined]).map(({ kind }) => kind),
      ['Web'],
    );
    assert.deepEqual(
      typesCalled('web', [defined]).map(({ group }) => group),
      ['x.io'],
    );
  });
});

describe('nearest', () => {
  it('suggests names that begin alike or differ little', () => {
    assert.deepEqual(nearest('web', ['web-2', 'wob', 'database', 'web-2']), ['web-2', 'wob']);
    assert.deepEqual(nearest('x', ['completely-else']), []);
  });
});
