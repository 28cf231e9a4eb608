import assert from 'node:assert/strict';
import { makeGeneration, type Generations } from '../../../certs/generations.ts';
import { bundleOf, decodeGenerations, encodeGenerations, holds } from './secret.ts';

const NOW = Date.parse('2026-03-03T14:32:00.500Z');
const NAMES = { dnsNames: ['kubeblame.kubeblame.svc'] };
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the Secret with the certificates', () => {
  let generations: Generations;
  before(async () => {
    const [current, next, previous] = [
      await makeGeneration(NOW, NAMES),
      await makeGeneration(NOW, NAMES),
      await makeGeneration(NOW, null),
    ];
    generations = { current, next, previous };
  });

  it('holds all generations, the current one under the names that everybody knows', () => {
    const data = encodeGenerations(generations);
    assert.deepEqual(Object.keys(data).sort(), [
      ...['ca.crt', 'made-at', 'next.ca.crt', 'next.made-at', 'next.path', 'next.tls.crt', 'next.tls.key'],
      ...['path', 'previous.made-at', 'previous.path', 'tls.crt', 'tls.key'],
    ]);
    assert.equal(data['tls.crt'], base64(generations.current.serving?.certificate ?? ''));
    assert.equal(data['made-at'], base64('2026-03-03T14:32:00.500Z'));
    assert.deepEqual(decodeGenerations(data), generations);
  });

  it('lets whoever mounts ca.crt trust the next certificate before that serves', () => {
    const { current, next } = generations;
    const bundle = `${current.serving?.authority}${next?.serving?.authority}`;
    assert.equal(encodeGenerations(generations)['ca.crt'], base64(bundle));
    assert.equal(bundleOf(generations), bundle);
  });

  it('is told apart from one that was changed in any way', () => {
    const data = encodeGenerations(generations);
    assert.equal(holds(data, generations), true);
    const { path: _, ...less } = data;
    for (const other of [{}, less, { ...data, more: '' }, { ...data, path: base64('x') }])
      assert.equal(holds(other, generations), false);
  });

  it('is of no use where the current generation is damaged; damage to the others costs them alone', () => {
    const data = encodeGenerations(generations);
    for (const [key, value] of [
      ['path', 'YQ=='],
      ['path', base64('../'.repeat(21) + 'x')],
      ['made-at', base64('yesterday')],
      ['tls.crt', base64('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')],
      ['ca.crt', ''],
    ] as const) {
      assert.equal(decodeGenerations({ ...data, [key]: value }), null, key);
      assert.deepEqual(decodeGenerations({ ...data, [`next.${key}`]: value }), { ...generations, next: null }, key);
    }
    assert.equal(decodeGenerations({}), null);
  });
});
