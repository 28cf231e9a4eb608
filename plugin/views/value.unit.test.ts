import assert from 'node:assert/strict';
import { parseJson } from '../../shared/json.ts';
import { terminal } from '../testing/style.ts';
import { fitValue, shortenPath, valuePair, valueText } from './value.ts';
import { widthOf } from './text.ts';

const STYLE = terminal(80);

describe('valueText', () => {
  it('quotes only what would be misread', () => {
    const texts = ['web', '24.3', 'true', '', ' x', '2026-11-22T05:06:26Z', 'a b', '5.1.2', '{x', 'say "x"'];
    assert.deepEqual(texts.map((text) => valueText(text)), [
      'web', '"24.3"', '"true"', '""', '" x"', '2026-11-22T05:06:26Z', 'a b', '5.1.2', '"{x"', 'say "x"',
    ]); // prettier-ignore
  });

  it('writes collections in YAML’s flow style, numbers exact, keys as they were', () => {
    const value = parseJson('{"__proto__":12345678901234567890,"a/b":["x, y",1.0,null,true,"1"],"":{}}');
    assert.equal(valueText(value), '{__proto__: 12345678901234567890, a/b: ["x, y", 1.0, null, true, "1"], "": {}}');
  });

  it('shows a text of several lines on one', () => {
    assert.equal(valueText('a\nb\u001b[2J'), 'a\\nb\\e[2J');
  });
});

describe('valuePair', () => {
  it('cuts the repository of images of one kind', () => {
    const images = ['registry.example.com/shop/web:24.2.0', 'registry.example.com/shop/web:24.2.1'] as const;
    assert.deepEqual(valuePair(...images, 80, STYLE), ['…:24.2.0', '…:24.2.1']);
    assert.deepEqual(valuePair(...images, null, STYLE), [...images]);
    assert.deepEqual(valuePair('nginx:1.25', 'nginx:1.26', 80, STYLE), ['nginx:1.25', 'nginx:1.26']);
  });

  it('leaves times whole', () => {
    const times = ['2026-11-22T05:06:26Z', '2026-11-22T05:08:11Z'] as const;
    assert.deepEqual(valuePair(...times, 60, STYLE), [...times]);
  });

  it('shows where long texts differ', () => {
    const text = (level: string): string => `worker_processes 4;\nerror_log stderr ${level};\nuser nginx;`;
    assert.deepEqual(valuePair(text('warn'), text('debug'), 60, STYLE), [
      '…warn;\\nuser nginx;',
      '…debug;\\nuser nginx;',
    ]);
  });

  it('gives the room of a short one to the other', () => {
    const [before, after] = valuePair(null, 'x'.repeat(100), 40, STYLE);
    assert.equal(before, 'null');
    assert.equal(widthOf(after), 36);
  });
});

describe('fitValue', () => {
  it('keeps both ends of a text, and the beginning of a collection', () => {
    assert.equal(fitValue('abcdefghijklmnop', 9, STYLE), 'abcd…mnop');
    assert.equal(fitValue({ addresses: ['10.0.0.1'] }, 16, STYLE), '{addresses: [10…');
  });
});

describe('shortenPath', () => {
  it('keeps the beginning and as much of the end as fits', () => {
    const path = 'spec.template.spec.containers[nginx].image';
    assert.equal(shortenPath(path, 42, STYLE), path);
    assert.equal(shortenPath(path, 34, STYLE), 'spec…spec.containers[nginx].image');
    assert.equal(shortenPath(path, 20, STYLE), 'spec…[nginx].image');
    assert.equal(shortenPath(path, 6, STYLE), '…image');
    const label = 'metadata.labels["app.kubernetes.io/version"]';
    assert.equal(shortenPath(label, 40, STYLE), 'metadata…["app.kubernetes.io/version"]');
  });
});
