import assert from 'node:assert/strict';
import fc from 'fast-check';
import { canonicalJson } from '../json.ts';
import type { JsonObject } from '../types.ts';
import { compareStates, eventFacts, readEvent } from './event.ts';
import { decodeSteps, encodeStep } from './steps.ts';

const second = (n: number): string => new Date(n * 1000).toISOString().replace('.000Z', 'Z');
const micro = (n: number): string =>
  `${second(Math.floor(n / 1_000_000)).slice(0, 19)}.${String(n % 1_000_000).padStart(6, '0')}Z`;

const times = fc.integer({ min: 0, max: 4_000_000_000 });
const core = fc.record({
  count: fc.integer({ min: 0, max: 2_000_000_000 }),
  lastTimestamp: fc.oneof(times.map(second), fc.constant(null), fc.constant('2026-11-30T13:00:00+01:00')),
});
const series = fc.record({
  series: fc.record({
    count: fc.integer({ min: 0, max: 2_000_000_000 }),
    lastObservedTime: times.map((n) => micro(n * 1000 + 7)),
  }),
  eventTime: times.map((n) => micro(n * 1000 + 123_456)),
});
const state = fc
  .tuple(
    fc.oneof(core, series),
    fc.record({ message: fc.string({ unit: 'grapheme', maxLength: 40 }), action: fc.string() }, { requiredKeys: [] }),
    fc.oneof(fc.nat().map(String), fc.constant('abc'), fc.constant(undefined)),
  )
  .map(([counted, rest, resourceVersion]): JsonObject => ({
    kind: 'Event',
    ...counted,
    ...rest,
    metadata: { uid: 'e', ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  }));

describe('the steps of an Event', () => {
  it('give back each state, whatever changes', () => {
    fc.assert(
      fc.property(fc.array(state, { minLength: 2, maxLength: 6 }), ([first = {}, ...others]) => {
        const steps = others.map((after, index) =>
          encodeStep(index === 0 ? first : (others[index - 1] ?? first), after),
        );
        const decoded = decodeSteps(first, Buffer.concat(steps));
        assert.deepEqual(decoded.map((one) => canonicalJson(one)), others.map((one) => canonicalJson(one))); // prettier-ignore
      }),
    );
  });

  it('take some bytes for a count, and little more for a message that names another pod', () => {
    const at = (count: number, more: JsonObject = {}): JsonObject => ({
      count,
      lastTimestamp: second(1_796_044_664 + count * 15),
      message: 'Error creating: pods "web-7684c7d98-aaaaa" is forbidden: exceeded quota',
      metadata: { resourceVersion: String(1_000 + count * 3) },
      ...more,
    });
    assert.equal(encodeStep(at(1), at(2)).length, 4);
    assert.equal(encodeStep(at(1), at(2, { message: 'Error creating: pods "web-7684c7d98-x2k9q" is forbidden: exceeded quota' })).length, 12); // prettier-ignore
  });

  it('that are cut off are not taken for whole ones', () => {
    const [first, second_] = [{ count: 1, lastTimestamp: second(9), metadata: { resourceVersion: '1' } }, { count: 900, lastTimestamp: second(9_999), metadata: { resourceVersion: '70000' } }]; // prettier-ignore
    const bytes = encodeStep(first, second_);
    for (let length = 1; length < bytes.length; length++) {
      assert.throws(() => decodeSteps(first, bytes.subarray(0, length)), /the bytes end too early/);
    }
  });
});

describe('an Event', () => {
  const NEWER: JsonObject = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'web.1', namespace: 'shop', uid: 'e', managedFields: [{}] },
    regarding: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'shop', uid: 'd' },
    note: 'Scaled up',
    reason: 'ScalingReplicaSet',
    type: 'Normal',
    eventTime: '2026-11-30T13:00:01.234567Z',
    reportingController: 'deployment-controller',
    series: { count: 3, lastObservedTime: '2026-11-30T13:05:00.000001Z' },
  };

  it('of events.k8s.io is the same as of core/v1', () => {
    const event = readEvent(NEWER);
    assert.deepEqual(event.metadata, { name: 'web.1', namespace: 'shop', uid: 'e' });
    const { about, message, reporter, firstAt, lastAt, count } = eventFacts(event);
    assert.deepEqual([about.group, about.kind, about.name, message, reporter, count], ['apps', 'Deployment', 'web', 'Scaled up', 'deployment-controller', 3]); // prettier-ignore
    assert.deepEqual([firstAt, lastAt], [Date.parse('2026-11-30T13:00:01.234Z'), Date.parse('2026-11-30T13:05:00.000Z')]); // prettier-ignore
  });

  it('that is none is refused', () => {
    assert.throws(() => readEvent({ ...NEWER, kind: 'Pod' }), /not an Event of v1 or events.k8s.io\/v1/);
    assert.throws(() => readEvent({ ...NEWER, metadata: { name: 'x' } }), /without metadata.uid/);
    assert.throws(() => readEvent({ ...NEWER, eventTime: null, series: null }), /does not tell when it happened/);
  });

  it('is newer by its resourceVersion, and without one by its count, then by its time', () => {
    const facts = (version: string, count: number, lastAt: number) => ({ ...eventFacts(readEvent(NEWER)), version, count, lastAt }); // prettier-ignore
    assert.ok(compareStates(facts('9', 5, 5), facts('10', 1, 1)) < 0);
    assert.ok(compareStates(facts('', 5, 1), facts('10', 4, 9)) > 0);
    assert.ok(compareStates(facts('', 5, 1), facts('', 5, 9)) < 0);
  });
});
