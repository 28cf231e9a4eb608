import assert from 'node:assert/strict';
import { readReview } from '../../../shared/review.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import { Predicates, type Predicate } from './predicates.ts';

const includes = (rules: Predicate[], options: ReviewOptions = {}): boolean =>
  new Predicates(rules).includes(readReview(reviewDocument(options)));

const LEASE = { group: 'coordination.k8s.io', resource: 'leases', kind: 'Lease' };

describe('predicates', () => {
  it('record what no rule excludes', () => {
    assert.equal(includes([]), true);
  });

  it('leave out what the control plane writes all the time, unless a rule includes it', () => {
    for (const resource of ['events', 'endpoints']) assert.equal(includes([], { resource }), false, resource);
    assert.equal(includes([], LEASE), false);
    assert.equal(includes([], { group: 'events.k8s.io', resource: 'events' }), false);
    assert.equal(includes([], { group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' }), false);
    assert.equal(includes([{ action: 'include', resources: ['leases.*'], namespaces: ['shop'] }], LEASE), true);
    assert.equal(includes([{ action: 'include', resources: ['leases.*'], namespaces: ['kube-*'] }], LEASE), false);
  });

  it('let the first match win', () => {
    const rules: Predicate[] = [
      { action: 'include', users: ['alice@example.com'] },
      { action: 'exclude', groups: ['dev-team'] },
    ];
    assert.equal(includes(rules), true);
    assert.equal(includes(rules, { username: 'bob@example.com' }), false);
    assert.equal(includes([...rules].reverse()), false);
  });

  it('need all conditions of a rule, and one item of each', () => {
    const rule: Predicate = {
      action: 'exclude',
      users: ['bob@*', 'alice@*'],
      groups: ['dev-team'],
      resources: ['configmaps'],
      namespaces: ['shop'],
      names: ['set*'],
      operations: ['CREATE'],
    };
    assert.equal(includes([rule]), false);
    for (const other of [
      { username: 'carol' },
      { groups: [] },
      { resource: 'pods' },
      { namespace: 'web' },
      { name: 'x' },
    ]) {
      assert.equal(includes([rule], other), true, JSON.stringify(other));
    }
  });

  it('tell resources, groups and subresources apart', () => {
    const exclude = (pattern: string, options: ReviewOptions): boolean =>
      !includes([{ action: 'exclude', resources: [pattern] }], options);
    const deployment = { group: 'apps', resource: 'deployments' };
    const status = { resource: 'pods', subResource: 'status', operation: 'UPDATE', oldObject: {} };
    assert.equal(exclude('deployments.apps', deployment), true);
    assert.equal(exclude('deployments', deployment), false);
    assert.equal(exclude('*.apps', deployment), true);
    assert.equal(exclude('pods', status), true, 'a resource stands for its subresources too');
    assert.equal(exclude('pods/status', status), true);
    assert.equal(exclude('pods/*', status), true);
    assert.equal(exclude('*/status', status), true);
    assert.equal(exclude('pods/exec', status), false);
    assert.equal(exclude('pods/*', { resource: 'pods' }), false);
    assert.equal(exclude('pod', status), false, 'a pattern is the whole name');
    assert.equal(exclude('p.ds', status), false, 'a dot is a dot');
  });

  it('know which resource types are left out as a whole', () => {
    const predicates = new Predicates([
      { action: 'include', resources: ['leases.coordination.k8s.io'], namespaces: ['shop'] },
      { action: 'exclude', resources: ['secrets'] },
      { action: 'exclude', resources: ['nodes'], users: ['system:node:*'] },
    ]);
    assert.equal(predicates.skipsResource('', 'secrets'), true);
    assert.equal(predicates.skipsResource('', 'events'), true);
    assert.equal(predicates.skipsResource('', 'nodes'), false);
    assert.equal(predicates.skipsResource('', 'pods'), false);
    assert.equal(predicates.skipsResource('coordination.k8s.io', 'leases'), false);
  });
});
