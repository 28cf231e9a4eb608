import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  advance,
  isUsable,
  makeGeneration,
  RENEW_AFTER_MS,
  VALID_DAYS,
  type Generation,
  type Generations,
  type Progress,
} from './generations.ts';

const NOW = Date.parse('2026-03-03T14:32:00Z');
const DAY_MS = 24 * 60 * 60 * 1000;
const NAMES = { dnsNames: ['kubeblame.kubeblame.svc', 'kubeblame-gateway.kubeblame.svc'] };

describe('a generation', () => {
  let generation: Generation;
  before(async () => {
    generation = await makeGeneration(NOW, NAMES);
  });

  it('has a certificate for exactly its names, from an authority of its own, for a year', () => {
    const certificate = new X509Certificate(generation.serving?.certificate ?? '');
    assert.equal(certificate.subjectAltName, 'DNS:kubeblame.kubeblame.svc, DNS:kubeblame-gateway.kubeblame.svc');
    assert.equal(Date.parse(certificate.validTo), NOW + VALID_DAYS * DAY_MS);
    assert.equal(certificate.checkIssued(new X509Certificate(generation.serving?.authority ?? '')), true);
  });

  it('has a path secret of 256 random bits', async () => {
    // The API server takes a segment of a path only where it is a lower-case DNS name (RFC 1123).
    assert.match(generation.pathSecret, /^[0-9a-f]{64}$/);
    assert.notEqual((await makeGeneration(NOW, null)).pathSecret, generation.pathSecret);
  });

  it('has no certificate where these come from elsewhere', async () => {
    const without = await makeGeneration(NOW, null);
    assert.equal(without.serving, null);
    assert.deepEqual([isUsable(without, NOW, null), isUsable(without, NOW, NAMES)], [true, false]);
    // Made by a clock that had jumped: its age would tell nothing.
    assert.equal(isUsable(without, NOW - DAY_MS, null), false);
  });

  it('is usable from when it was made until it ends', () => {
    const at = (time: number): boolean => isUsable(generation, time, NAMES);
    assert.deepEqual([NOW, NOW + VALID_DAYS * DAY_MS, NOW + VALID_DAYS * DAY_MS + 1000].map(at), [true, true, false]);
    // Five minutes for clocks that differ; whoever is further behind has jumped.
    assert.deepEqual([NOW - 5 * 60_000, NOW - 5 * 60_000 - 1].map(at), [true, false]);
  });

  it('is of no use under another name, with another key, of another authority, or with a damaged secret', async () => {
    const { serving } = generation;
    const other = (await makeGeneration(NOW, NAMES)).serving;
    assert.ok(serving !== null && other !== null);
    const usable = (changed: Partial<Generation>, names = NAMES): boolean =>
      isUsable({ ...generation, ...changed }, NOW, names);
    assert.equal(usable({}), true);
    assert.equal(usable({}, { dnsNames: ['kubeblame.audit.svc'] }), false);
    assert.equal(usable({ serving: { ...serving, privateKey: other.privateKey } }), false);
    assert.equal(usable({ serving: { ...serving, authority: other.authority } }), false);
    assert.equal(usable({ serving: { ...serving, certificate: 'no PEM' } }), false);
    assert.equal(usable({ pathSecret: '' }), false);
    assert.equal(usable({ pathSecret: `${generation.pathSecret}/` }), false);
    assert.equal(usable({ madeAt: NaN }), false);
  });
});

describe('the rotation of generations', () => {
  let first: Generation;
  let second: Generation;
  before(async () => {
    first = await makeGeneration(NOW, NAMES);
    second = await makeGeneration(NOW + RENEW_AFTER_MS, NAMES);
  });

  const step = (known: Generations | null, progress: Partial<Progress> = {}): Promise<Generations> =>
    advance(known, { now: NOW, names: NAMES, nextIsKnown: false, previousIsOver: false, ...progress });
  const later = NOW + RENEW_AFTER_MS;

  it('begins with one', async () => {
    const made = await step(null);
    assert.equal(isUsable(made.current, NOW, NAMES), true);
    assert.deepEqual([made.next, made.previous], [null, null]);
  });

  it('changes nothing while nothing is due', async () => {
    for (const known of [
      { current: first, next: null, previous: null },
      { current: first, next: second, previous: null },
      { current: second, next: null, previous: first },
    ]) {
      const now = known.current === second || known.next === second ? later : later - 1;
      assert.equal(await step(known, { now }), known);
    }
  });

  it('goes step by step: a next one, its turn, the end of the previous one', async () => {
    const alone = { current: first, next: null, previous: null };
    const begun = await step(alone, { now: later });
    assert.equal(begun.current, first);
    assert.equal(begun.next?.madeAt, later);
    assert.deepEqual(await step(begun, { now: later, nextIsKnown: true }), {
      current: begun.next,
      next: null,
      previous: first,
    });
    const turned = { current: second, next: null, previous: first };
    assert.deepEqual(await step(turned, { now: later, previousIsOver: true }), {
      current: second,
      next: null,
      previous: null,
    });
  });

  it('replaces at once what cannot serve, and still counts its path', async () => {
    const expired = NOW + (VALID_DAYS + 1) * DAY_MS;
    const healed = await step({ current: first, next: null, previous: null }, { now: expired });
    assert.equal(isUsable(healed.current, expired, NAMES), true);
    assert.equal(healed.previous, first);
    // A clock that had jumped ahead and is right again.
    const ahead = await step({ current: second, next: null, previous: null }, { now: NOW });
    assert.equal(ahead.current.madeAt, NOW);
  });

  it('drops a next one that cannot serve', async () => {
    const known = { current: first, next: second, previous: null };
    assert.deepEqual(await step(known, { nextIsKnown: true }), { ...known, next: null });
  });
});
