import assert from 'node:assert/strict';
import type { JsonObject } from '../types.ts';
import { argoAutomation, argoFinished, argoOperation } from './argo.ts';
import { fluxRevision, fluxState } from './flux.ts';
import { helmRelease } from './helm.ts';
import { repositoryName, shortRevision, toolOf } from './tools.ts';

const REVISION = '9be27d10c4a84ff1b6e3aa01d92c7f5e55667788';
const SOURCE = { repoURL: 'https://git.example.com/shop/deploy.git', path: './web', targetRevision: 'main' };

describe('what an Application of Argo CD says', () => {
  const application = (rest: JsonObject, spec: JsonObject = { source: SOURCE }): JsonObject => ({ spec, ...rest });
  const sources = [{ repository: SOURCE.repoURL, path: 'web', chart: '', revision: REVISION }];

  it('is the operation that is asked for, and that which is under way', () => {
    const operation = { initiatedBy: { username: 'alice' }, sync: { revision: REVISION } };
    const expected = { username: 'alice', automated: false, sources, again: false, only: null };
    assert.deepEqual(argoOperation(application({ operation })), expected);
    const status = { operationState: { phase: 'Running', operation } };
    assert.deepEqual(argoOperation(application({ status })), expected);
    assert.equal(argoOperation(application({ status: { operationState: { phase: 'Succeeded', operation } } })), null);
  });

  it('is again what was delivered before, where the last revision is the same', () => {
    const operation = { initiatedBy: { automated: true }, sync: { revision: REVISION } };
    const status = { history: [{ revision: 'other' }, { revision: REVISION }] };
    const told = argoOperation(application({ operation, status }));
    assert.deepEqual([told?.automated, told?.again], [true, true]);
    assert.equal(argoOperation(application({ operation, status: { history: [{ revision: 'other' }] } }))?.again, false);
  });

  it('has a revision for each of several sources, and a chart with its version', () => {
    const chart = { repoURL: 'https://charts.example.com', chart: 'redis', targetRevision: '19.0.1' };
    const operation = { sync: { revisions: ['19.0.1', REVISION] } };
    assert.deepEqual(argoOperation(application({ operation }, { sources: [chart, SOURCE] }))?.sources, [
      { repository: chart.repoURL, path: '', chart: 'redis-19.0.1', revision: '19.0.1' },
      ...sources,
    ]);
  });

  it('names what alone is synced', () => {
    const only = [{ group: 'apps', kind: 'Deployment', namespace: 'shop', name: 'web' }];
    assert.deepEqual(argoOperation(application({ operation: { sync: { resources: only } } }))?.only, only);
  });

  it('is when its last operation ended, and how', () => {
    const operationState = { phase: 'Failed', finishedAt: '2026-11-30T13:18:41Z', operation: { sync: {} } };
    const told = argoFinished(application({ status: { operationState } }));
    assert.deepEqual([told?.finishedAt, told?.succeeded], [Date.parse('2026-11-30T13:18:41Z'), false]);
    assert.equal(argoFinished(application({})), null);
  });

  it('is whether it syncs by itself', () => {
    const policy = (automated: JsonObject | null) => argoAutomation({ spec: { syncPolicy: { automated } } });
    assert.deepEqual(policy({ selfHeal: true }), { automated: true, selfHeal: true });
    assert.deepEqual(policy({}), { automated: true, selfHeal: false });
    assert.deepEqual(policy({ enabled: false, selfHeal: true }), { automated: false, selfHeal: false });
    assert.deepEqual(policy(null), { automated: false, selfHeal: false });
  });

  it('is nothing where it is not as Argo CD writes it', () => {
    for (const operation of [
      null,
      'x',
      1,
      [],
      { sync: 'x', initiatedBy: [] },
      { sync: { revision: 7, resources: {} } },
    ]) {
      const told = argoOperation({ operation, spec: { source: 'x' } });
      assert.ok(told === null || (told.username === '' && told.sources.length === 0), JSON.stringify(operation));
    }
  });
});

describe('what Flux says', () => {
  it('is a revision in each of its forms', () => {
    assert.equal(fluxRevision(`main@sha1:${REVISION}`), REVISION);
    assert.equal(fluxRevision(`main/${REVISION}`), REVISION);
    assert.equal(fluxRevision(`latest@sha256:${'ab'.repeat(32)}`), 'ab'.repeat(32));
    assert.equal(fluxRevision('6.5.0'), '6.5.0');
    assert.equal(fluxRevision(''), '');
  });

  it('is where a HelmRelease has its chart from, and that it is suspended', () => {
    const sourceRef = { kind: 'HelmRepository', name: 'charts' };
    const body = {
      metadata: { namespace: 'flux-system' },
      spec: { suspend: true, chart: { spec: { chart: 'redis', sourceRef } } },
    };
    assert.deepEqual(fluxState(body), {
      ...{ attempted: '', applied: '', requestedAt: '', suspended: true, path: '', chart: 'redis' },
      source: { kind: 'HelmRepository', namespace: 'flux-system', name: 'charts' },
    });
  });
});

describe('a Secret of Helm', () => {
  it('tells its release by labels', () => {
    const labels = { owner: 'helm', name: 'checkout', version: '12', status: 'deployed' };
    assert.deepEqual(helmRelease({ metadata: { labels } }), { name: 'checkout', revision: 12, status: 'deployed' });
    for (const wrong of [{ owner: 'me' }, { version: 'x' }, { version: '0' }]) {
      assert.equal(helmRelease({ metadata: { labels: { ...labels, ...wrong } } }), null);
    }
  });
});

describe('the tool that made a change', () => {
  const by = (manager: string, username: string): string | null => toolOf({ manager, actor: { username } });

  it('is known by its field manager, or by its service account', () => {
    assert.equal(by('argocd-controller', 'system:serviceaccount:x:y'), 'Argo CD');
    assert.equal(by('argocd-controller', 'alice@example.com'), null, 'anybody can name a field manager');
    assert.equal(by('', 'system:serviceaccount:gitops:argocd-application-controller'), 'Argo CD');
    assert.equal(by('kustomize-controller', 'system:serviceaccount:x:y'), 'Flux');
    assert.equal(by('helm', 'alice@example.com'), 'Helm');
    assert.equal(by('HashiCorp', 'x'), 'Terraform');
    assert.equal(by('kubectl', 'system:serviceaccount:arc-runners:runner'), 'GitHub Actions');
    assert.equal(by('kubectl-edit', 'alice@example.com'), null);
    assert.equal(by('constructor', 'alice@example.com'), null);
    assert.equal(toolOf({ manager: 'argocd-controller', actor: null }), null);
  });

  it('is written in short', () => {
    assert.equal(shortRevision(REVISION), '9be27d1');
    assert.equal(shortRevision('6.5.0'), '6.5.0');
    assert.equal(repositoryName('https://git.example.com/shop/deploy.git'), 'shop/deploy');
    assert.equal(repositoryName('git@git.example.com:shop/deploy.git'), 'shop/deploy');
    assert.equal(repositoryName('oci://registry.example.com/charts/'), 'charts');
    assert.equal(repositoryName('shop'), 'shop');
  });
});
