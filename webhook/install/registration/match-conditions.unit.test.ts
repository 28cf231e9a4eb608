import assert from 'node:assert/strict';
import { parse } from '@marcbachmann/cel-js';
import { normalise } from '../../../shared/normalise.ts';
import { canonicalJson, isObject } from '../../../shared/json.ts';
import { readReview } from '../../../shared/review.ts';
import { reviewDocument, type ReviewOptions } from '../../../shared/testing/reviews.ts';
import { shopDocuments } from '../../../shared/testing/shop.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import { DEFAULT_SKIP, Predicates, type Predicate } from '../../record/rules/predicates.ts';
import { matchConditions } from './match-conditions.ts';

/** What the API server does with the conditions: it sends a request for which all of them hold. */
function sends(predicates: Predicates): (review: JsonObject) => boolean {
  const programs = matchConditions(predicates).map(({ expression }) => parse(expression));
  return ({ request }) => {
    assert.ok(isObject(request));
    const { object, oldObject } = request;
    // To CEL, a field that JSON leaves out has its type's default.
    const context = { request: { subResource: '', ...request }, object: object ?? null, oldObject: oldObject ?? null };
    return programs.every((program) => program(context) === true);
  };
}

const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };
const include = (conditions: Omit<Predicate, 'action'>): Predicate => ({ action: 'include', ...conditions });
const exclude = (conditions: Omit<Predicate, 'action'>): Predicate => ({ action: 'exclude', ...conditions });

describe('what the API server sends', () => {
  it('is what the predicates of the server record, in the traffic of a real cluster', () => {
    const predicates = new Predicates([]);
    const isSent = sends(predicates);
    let left = 0;
    for (const { review } of shopDocuments('reviews.ndjson.gz')) {
      assert.ok(isObject(review));
      const expected = predicates.includes(readReview(review));
      assert.equal(isSent(review), expected, canonicalJson(review).slice(0, 300));
      if (!expected) left++;
    }
    assert.ok(left > 100, `${left} left out`);
  });

  it('leaves out every resource of the default list, and each of it alone', () => {
    const isSent = sends(new Predicates([]));
    for (const pattern of DEFAULT_SKIP) {
      const [resource = '', ...group] = pattern.split('.');
      assert.equal(isSent(reviewDocument({ resource, group: group.join('.') })), false, pattern);
      assert.equal(isSent(reviewDocument({ resource, group: 'example.com' })), true, pattern);
      assert.equal(isSent(reviewDocument({ resource: `${resource}s`, group: group.join('.') })), true, pattern);
    }
  });

  const cases: [what: string, rules: Predicate[], skip: string[], reviews: ReviewOptions[]][] = [
    ['no list', [], [], [LEASES]],
    ['a rule that includes some of what is skipped', [include({ ...{ resources: ['leases.*'] }, namespaces: ['shop'] })], ['leases.coordination.k8s.io'], [LEASES, { ...LEASES, namespace: 'shop' }]], // prettier-ignore
    ['a rule that includes somebody’s everything', [include({ users: ['alice@*'] })], ['configmaps'], [{}]],
    ['a rule that comes too late', [exclude({ resources: ['configmaps'] }), include({ resources: ['configmaps'] })], [], [{}, { resource: 'pods' }]], // prettier-ignore
    ['subresources', [], ['pods/status', 'nodes/*', 'deployments.apps/sc*'], [{ resource: 'pods' }, { resource: 'pods', subResource: 'status' }, { resource: 'pods', subResource: 'exec' }, { resource: 'nodes' }, { resource: 'nodes', subResource: 'proxy' }, { resource: 'deployments', group: 'apps', subResource: 'scale' }, { resource: 'deployments', group: 'apps', subResource: 'status' }]], // prettier-ignore
    ['any text', [], ['*.example.com', 'config*'], [{}, { resource: 'trains', group: 'example.com' }, { resource: 'trains', group: 'examplexcom' }, { resource: 'reconfig' }]], // prettier-ignore
  ];
  for (const [what, rules, skip, reviews] of cases) {
    it(`never leaves out what the server would record: ${what}`, () => {
      const predicates = new Predicates(rules, skip);
      const isSent = sends(predicates);
      for (const options of reviews) {
        const review = reviewDocument(options);
        const included = predicates.includes(readReview(review));
        if (included) assert.equal(isSent(review), true, JSON.stringify(options));
        // With a rule in between, the server decides what the API server cannot.
        else if (rules.every(({ action }) => action === 'exclude'))
          assert.equal(isSent(review), false, JSON.stringify(options));
      }
    });
  }

  it('is at most 62 conditions, whatever the list: with two for our own objects the API server takes them', () => {
    const skip = Array.from({ length: 100 }, (_, index) => `things${index}.example.com`);
    const conditions = matchConditions(new Predicates([], skip));
    assert.equal(conditions.length, 62);
    assert.equal(new Set(conditions.map(({ name }) => name)).size, 62);
    for (const { name } of conditions) assert.match(name, /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/);
  });
});

describe('the heartbeat of a node', () => {
  const isSent = sends(new Predicates([], []));
  const node = (status: JsonObject = {}, heartbeat = '05:00:00', metadata: JsonObject = {}): JsonObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', uid: 'u', resourceVersion: heartbeat, managedFields: [{ time: heartbeat }], ...metadata },
    spec: { podCIDR: '10.0.0.0/24' },
    status: {
      capacity: { cpu: '4', memory: '8Gi' },
      images: [{ names: ['a'], sizeBytes: 5 }],
      conditions: ['MemoryPressure', 'Ready'].map((type) => ({ type, status: 'True', lastHeartbeatTime: heartbeat })),
      ...status,
    },
  });
  const update = (object: JsonObject, oldObject: JsonObject = node(), subResource = 'status'): JsonObject =>
    reviewDocument({
      operation: 'UPDATE',
      resource: 'nodes',
      kind: 'Node',
      namespace: '',
      name: 'n',
      username: 'system:node:n',
      object,
      oldObject,
      ...(subResource === '' ? {} : { subResource }),
    });
  const conditions = (...list: Json[]): JsonObject => ({ conditions: list });
  const ready = (more: JsonObject): JsonObject => ({ type: 'Ready', status: 'True', ...more });
  const pressure = { type: 'MemoryPressure', status: 'True' };

  const changes: [what: string, after: JsonObject, isChange: boolean][] = [
    ['nothing but its time', node({}, '05:05:00'), false],
    ['a condition’s status', node(conditions(pressure, ready({ status: 'False' }))), true],
    ['a condition’s reason', node(conditions(pressure, ready({ reason: 'KubeletReady' }))), true],
    ['a condition more', node(conditions(pressure, ready({}), { type: 'DiskPressure', status: 'False' })), true],
    ['a condition less', node(conditions(pressure)), true],
    ['an image more', node({ images: [] }, '05:05:00'), true],
    ['a field more', node({ features: { supplementalGroupsPolicy: true } }, '05:05:00'), true],
    ['capacity', node({ capacity: { cpu: '4', memory: '16Gi' } }, '05:05:00'), true],
    ['an annotation', node({}, '05:05:00', { annotations: { a: 'b' } }), true],
    ['a taint', { ...node({}, '05:05:00'), spec: { unschedulable: true } }, true],
    ['all conditions', node(conditions()), true],
  ];
  for (const [what, after, isChange] of changes) {
    it(`${isChange ? 'is none where it changes' : 'changes'} ${what}: the API server and the server agree`, () => {
      assert.equal(isSent(update(after)), isChange);
      const bodies = [node(), after].map((object) => canonicalJson(normalise(object).body));
      assert.equal(bodies[0] !== bodies[1], isChange);
    });
  }

  it('is left to the server where a node has so many conditions that the API server’s budget would not do', () => {
    const beat = (count: number, heartbeat: string): JsonObject =>
      node(conditions(...Array.from({ length: count }, (_, index) => ({ ...pressure, type: `t${index}`, lastHeartbeatTime: heartbeat }))), heartbeat); // prettier-ignore
    for (const [count, sent] of [
      [32, false],
      [33, true],
      [800, true],
    ] as const) {
      const [before, after] = [beat(count, '05:00:00'), beat(count, '05:05:00')];
      assert.equal(isSent(update(after, before)), sent, String(count));
      const bodies = [before, after].map((object) => canonicalJson(normalise(object).body));
      assert.equal(bodies[0], bodies[1]);
    }
  });

  it('is none where it is not an update of the status', () => {
    assert.equal(isSent(update(node({}, '05:05:00'), node(), '')), true);
    const { status: _, ...bare } = node();
    for (const object of [bare, { ...bare, status: {} }]) assert.equal(isSent(update(object, object)), true);
  });
});
