import assert from 'node:assert/strict';
import type { JsonObject } from '../types.ts';
import { applicationsOf, type Applications, type Member } from './applications.ts';
import { factsOf } from './facts.ts';
import { resolve } from './resolve.ts';
import { parseLandscapeRules } from './rules.ts';
import type { ObjectFacts } from './types.ts';

interface Written {
  kind: string;
  name: string;
  namespace?: string;
  apiVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  owner?: Written;
  more?: JsonObject;
}

function written({
  kind,
  name,
  namespace = 'shop',
  apiVersion = 'v1',
  labels,
  annotations,
  owner,
  more,
}: Written): ObjectFacts {
  // prettier-ignore
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const uidOf = (each: Written): string => `${each.kind} ${each.name}`;
  const metadata: JsonObject = {
    name,
    namespace,
    labels: labels ?? {},
    annotations: annotations ?? {},
    ...(owner === undefined ? {} : { ownerReferences: [{ apiVersion: owner.apiVersion ?? 'v1', kind: owner.kind, name: owner.name, uid: uidOf(owner), controller: true }] }), // prettier-ignore
  };
  const body: JsonObject = { apiVersion, kind, metadata, ...more };
  return { object: { group, resource: `${kind.toLowerCase()}s`, kind, namespace, name, uid: uidOf({ kind, name }) }, facts: factsOf(body) }; // prettier-ignore
}

function applications(rules: string, ...all: Written[]): Applications {
  const objects = all.map(written);
  return applicationsOf(objects, resolve(objects), parseLandscapeRules(rules, 'rules'));
}

function member({ applications: all }: Applications, name: string): Member | undefined {
  return all.flatMap(({ members }) => members).find(({ object }) => object.name === name);
}

/** Application, tier, and what disagrees. */
function told(found: Applications, name: string): [string, number, ...string[]] | null {
  const said = member(found, name)?.application;
  return said === undefined ? null : [said.value, said.tier, ...said.conflicts.map(({ value }) => value)];
}

const ARGO = 'argocd.argoproj.io/tracking-id';
const DEPLOYMENT = { kind: 'Deployment', apiVersion: 'apps/v1', name: 'web' };
const LABELS = { 'app.kubernetes.io/instance': 'byLabel', 'app.kubernetes.io/part-of': 'product', 'app.kubernetes.io/name': 'name' }; // prettier-ignore

describe('the application of an object', () => {
  const TIERS: [name: string, tier: number, more: Pick<Written, 'labels' | 'annotations'>, rules?: string][] = [
    ['byRule', 1, { labels: LABELS }, '- {where: {name: web}, application: byRule}'],
    ['byArgo', 2, { annotations: { [ARGO]: 'byArgo:apps/Deployment:shop/web' } }],
    ['byArgo', 2, { annotations: { [ARGO]: 'argocd_byArgo:apps/Deployment:shop/web' } }],
    ['byArgo', 2, { labels: { 'argocd.argoproj.io/instance': 'byArgo' } }],
    ['byFlux', 3, { labels: { 'kustomize.toolkit.fluxcd.io/name': 'byFlux' } }],
    ['byFlux', 3, { labels: { 'helm.toolkit.fluxcd.io/name': 'byFlux' } }],
    ['byHelm', 4, { annotations: { 'meta.helm.sh/release-name': 'byHelm' } }],
    ['byModel', 5, { labels: { 'app.oam.dev/name': 'byModel' } }],
    ['byBackstage', 6, { labels: { 'backstage.io/kubernetes-id': 'byBackstage' } }],
    ['byBackstage', 6, { annotations: { 'backstage.io/kubernetes-id': 'byBackstage' } }],
    ['byLabel', 7, { labels: LABELS }],
    ['product', 7, { labels: { 'app.kubernetes.io/part-of': 'product', 'app.kubernetes.io/name': 'name' } }],
    ['name', 7, { labels: { 'app.kubernetes.io/name': 'name' } }],
  ];
  for (const [name, tier, more, rules = ''] of TIERS) {
    it(`is ${name} by ${JSON.stringify(more)}`, () => {
      const disagrees = tier === 1 ? ['byLabel'] : [];
      assert.deepEqual(told(applications(rules, { ...DEPLOYMENT, ...more }), 'web'), [name, tier, ...disagrees]);
    });
  }

  it('is what the strongest says; a weaker one that disagrees is a conflict', () => {
    const labels = { ...LABELS, 'kustomize.toolkit.fluxcd.io/name': 'byFlux' };
    const annotations = { [ARGO]: 'byArgo:apps/Deployment:shop/web', 'meta.helm.sh/release-name': 'byArgo' };
    const found = applications('', { ...DEPLOYMENT, labels, annotations });
    assert.deepEqual(told(found, 'web'), ['byArgo', 2, 'byFlux', 'byLabel']);
    assert.deepEqual(found.applications[0]?.products, ['product']);
    assert.deepEqual(found.applications[0]?.managers, ['Argo CD']);
  });

  it('is not that of a tracking id which was copied from another object', () => {
    const of = (id: string) => told(applications('', { ...DEPLOYMENT, annotations: { [ARGO]: id } }), 'web');
    assert.equal(of('a:apps/Deployment:shop/api'), null);
    assert.equal(of('a:apps/Deployment:other/web'), null);
    assert.equal(of('a:apps/StatefulSet:shop/web'), null);
    assert.equal(of('a'), null);
  });

  it('is that of Argo CD by the label instance only where such an Application exists, and nobody else brings it', () => {
    const application: Written = { kind: 'Application', apiVersion: 'argoproj.io/v1alpha1', name: 'byLabel', namespace: 'argocd' }; // prettier-ignore
    assert.deepEqual(told(applications('', application, { ...DEPLOYMENT, labels: LABELS }), 'web'), ['byLabel', 2]);
    const annotations = { 'meta.helm.sh/release-name': 'byHelm' };
    assert.deepEqual(told(applications('', application, { ...DEPLOYMENT, labels: LABELS, annotations }), 'web'), ['byHelm', 4, 'byLabel']); // prettier-ignore
  });

  it('is that of an Application of app.k8s.io whose selector matches', () => {
    const application: Written = { kind: 'Application', apiVersion: 'app.k8s.io/v1beta1', name: 'byModel', more: { spec: { selector: { matchLabels: { app: 'web' } } } } }; // prettier-ignore
    assert.deepEqual(told(applications('', application, { ...DEPLOYMENT, labels: { app: 'web' } }), 'web'), ['byModel', 5]); // prettier-ignore
    assert.equal(told(applications('', application, { ...DEPLOYMENT, labels: { app: 'api' } }), 'web'), null);
  });

  it('is that of its controller, also where the template has other labels', () => {
    const web = { ...DEPLOYMENT, annotations: { [ARGO]: 'byArgo:apps/Deployment:shop/web' } };
    const set: Written = { kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'web-1', owner: web, labels: LABELS };
    const pod: Written = { kind: 'Pod', name: 'web-1-a', owner: set, labels: LABELS };
    const found = applications('', web, set, pod);
    assert.deepEqual(told(found, 'web-1-a'), ['byArgo', 8]);
    assert.equal(member(found, 'web-1-a')?.application.by, 'owner replicaset/web-1');
    assert.equal(found.applications.length, 1);
  });

  it('is that of its namespace, where nothing else tells', () => {
    const space: Written = { kind: 'Namespace', name: 'shop', namespace: '', labels: { 'app.kubernetes.io/part-of': 'bySpace' } }; // prettier-ignore
    const found = applications('', space, DEPLOYMENT);
    assert.deepEqual(told(found, 'web'), ['bySpace', 10]);
    assert.deepEqual(applications('', DEPLOYMENT).none.map(({ name }) => name), ['web']); // prettier-ignore
  });

  const uses = (name: string, application: string, secret: string): Written => ({
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    name,
    labels: { 'app.kubernetes.io/instance': application },
    more: { spec: { template: { spec: { containers: [{ name, envFrom: [{ secretRef: { name: secret } }] }] } } } },
  });

  it('is the only one that uses it; of several it is shared, and merges nothing', () => {
    const secret: Written = { kind: 'Secret', name: 'db' };
    assert.deepEqual(told(applications('', secret, uses('a', 'one', 'db')), 'db'), ['one', 9]);
    const several = applications('', secret, uses('a', 'one', 'db'), uses('b', 'two', 'db'));
    assert.deepEqual(several.applications.map(({ name, members }) => [name, members.length]), [['one', 1], ['two', 1]]); // prettier-ignore
    assert.deepEqual(several.shared.map(({ object, applications: users }) => [object.name, users]), [['db', ['one', 'two']]]); // prettier-ignore
  });
});

describe('the team of an object', () => {
  const space: Written = { kind: 'Namespace', name: 'shop', namespace: '', labels: { team: 'space' } };
  const team = (rules: string, more: Partial<Written>): [string, ...string[]] | null => {
    const said = member(applications(rules, space, { ...DEPLOYMENT, ...more, labels: { ...LABELS, ...more.labels } }), 'web')?.team; // prettier-ignore
    return said == null ? null : [said.value, ...said.conflicts.map(({ value }) => value)];
  };
  const template = { spec: { template: { metadata: { labels: { team: 'template' } } } } };

  it('is told by a rule, itself, its template, its namespace, in this order', () => {
    assert.deepEqual(team('', {}), ['space']);
    assert.deepEqual(team('', { more: template }), ['template']);
    assert.deepEqual(team('', { more: template, annotations: { owner: 'own' } }), ['own', 'template']);
    assert.deepEqual(team('', { labels: { team: 'own' }, annotations: { owner: 'own@example.com' } }), ['own']);
    assert.deepEqual(team('- {where: {}, team: rule}', { labels: { team: 'own' } }), ['rule', 'own']);
  });
});
