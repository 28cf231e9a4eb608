import assert from 'node:assert/strict';
import type { JsonObject } from '../types.ts';
import { allowed, type AskedPort } from './allows.ts';
import { factsOf } from './facts.ts';
import type { ObjectFacts } from './types.ts';

function written(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  more: JsonObject,
  labels: JsonObject = {},
): ObjectFacts {
  // prettier-ignore
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const body: JsonObject = { apiVersion, kind, metadata: { namespace, name, labels }, ...more };
  return { object: { group, resource: `${kind.toLowerCase()}s`, kind, namespace, name, uid: `${kind} ${name}` }, facts: factsOf(body) }; // prettier-ignore
}

function workload(namespace: string, name: string, ports: JsonObject[] = []): ObjectFacts {
  const template = { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i', ports }] } };
  return written('apps/v1', 'Deployment', namespace, name, { spec: { template } });
}

const policy = (namespace: string, name: string, spec: JsonObject) => written('networking.k8s.io/v1', 'NetworkPolicy', namespace, name, { spec }); // prettier-ignore
const namespace = (name: string, labels: JsonObject) => written('v1', 'Namespace', '', name, {}, labels);

const [web, api] = [workload('front', 'web'), workload('back', 'api', [{ name: 'http', containerPort: 8080 }])];
const around = [web, api, namespace('front', { zone: 'dmz' }), namespace('back', { zone: 'inner' })];

function verdict(policies: ObjectFacts[], port: AskedPort | null = null): string {
  const { verdict: both, egress, ingress } = allowed([...around, ...policies], web, api, port);
  return `${both} (${egress.verdict}, ${ingress.verdict})`;
}

const tcp = (port: number | string) => ({ port, protocol: 'TCP' });
const ofApi = { podSelector: { matchLabels: { app: 'api' } } };

describe('what NetworkPolicies allow', () => {
  it('is everything where none selects the pods, and nothing where one selects them without a rule', () => {
    assert.equal(verdict([]), 'yes (yes, yes)');
    assert.equal(verdict([policy('front', 'other', ofApi)]), 'yes (yes, yes)');
    assert.equal(verdict([policy('back', 'deny', { podSelector: {} })]), 'no (yes, no)');
    // A policy of another namespace says nothing.
    assert.equal(verdict([policy('front', 'deny', { podSelector: {}, policyTypes: ['Egress'] })]), 'no (no, yes)');
  });

  it('is the union of policies, of rules, and of peers', () => {
    const deny = policy('back', 'deny', { podSelector: {} });
    const from = (...peers: JsonObject[]) => policy('back', 'allow', { ...ofApi, ingress: [{ from: peers }] });
    assert.equal(verdict([deny, policy('back', 'allow', { ...ofApi, ingress: [{}] })]), 'yes (yes, yes)');
    assert.equal(verdict([deny, from({ podSelector: { matchLabels: { app: 'web' } } })]), 'no (yes, no)');
    assert.equal(verdict([deny, from({ namespaceSelector: { matchLabels: { zone: 'dmz' } } })]), 'yes (yes, yes)');
    const both = { namespaceSelector: { matchLabels: { zone: 'dmz' } }, podSelector: { matchLabels: { app: 'job' } } };
    assert.equal(verdict([deny, from(both)]), 'no (yes, no)');
    assert.equal(verdict([deny, from(both, { namespaceSelector: {} })]), 'yes (yes, yes)');
  });

  it('is uncertain where a rule names addresses', () => {
    const rules = policy('back', 'block', { ...ofApi, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] });
    assert.equal(verdict([rules]), 'perhaps (yes, perhaps)');
  });

  it('depends on the port, by number, by name and in ranges', () => {
    const on = (...ports: JsonObject[]) => [policy('back', 'ports', { ...ofApi, ingress: [{ ports }] })];
    assert.equal(verdict(on({ port: 8080 }), tcp(8080)), 'yes (yes, yes)');
    assert.equal(verdict(on({ port: 'http' }), tcp(8080)), 'yes (yes, yes)');
    assert.equal(verdict(on({ port: 8080 }), tcp('http')), 'yes (yes, yes)');
    assert.equal(verdict(on({ port: 8000, endPort: 8090 }), tcp(8080)), 'yes (yes, yes)');
    assert.equal(verdict(on({ port: 8081, endPort: 8090 }), tcp(8080)), 'no (yes, no)');
    assert.equal(verdict(on({ port: 8080, protocol: 'UDP' }), tcp(8080)), 'no (yes, no)');
    assert.equal(verdict(on({ protocol: 'TCP' }), tcp(9999)), 'yes (yes, yes)');
    assert.equal(verdict(on({ port: 9999 })), 'yes (yes, yes)');
  });
});
