import assert from 'node:assert/strict';
import { matchesSelector, parseSelector } from './selector.ts';

function matches(selector: string, labels: Record<string, string>): boolean {
  return matchesSelector(parseSelector(selector), labels);
}

describe('selector', () => {
  it('reads every form that kubectl takes', () => {
    assert.deepEqual(parseSelector('a=b,c!=d, e in (x, y),!f , g,h == i,j notin (k),l>3,m<4,n='), [
      { key: 'a', operator: 'in', values: ['b'] },
      { key: 'c', operator: 'notin', values: ['d'] },
      { key: 'e', operator: 'in', values: ['x', 'y'] },
      { key: 'f', operator: 'absent', values: [] },
      { key: 'g', operator: 'exists', values: [] },
      { key: 'h', operator: 'in', values: ['i'] },
      { key: 'j', operator: 'notin', values: ['k'] },
      { key: 'l', operator: 'greater', values: ['3'] },
      { key: 'm', operator: 'less', values: ['4'] },
      { key: 'n', operator: 'in', values: [''] },
    ]);
  });

  it('matches everything where it is empty', () => {
    assert.deepEqual(parseSelector('  '), []);
    assert.equal(matches('', {}), true);
  });

  it('takes a missing label as different, and never as equal', () => {
    assert.equal(matches('app!=web', {}), true);
    assert.equal(matches('app notin (web)', {}), true);
    assert.equal(matches('app=web', {}), false);
    assert.equal(matches('app=', {}), false);
    assert.equal(matches('app=', { app: '' }), true);
  });

  it('requires all conditions', () => {
    const labels = { app: 'web', tier: 'frontend', 'app.kubernetes.io/version': '24.3' };
    assert.equal(matches('app in (api,web),tier', labels), true);
    assert.equal(matches('app in (api,web),!tier', labels), false);
    assert.equal(matches('app.kubernetes.io/version=24.3', labels), true);
    assert.equal(matches('app=we', labels), false);
  });

  it('compares integers, beyond 2^53 too', () => {
    assert.equal(matches('n>9007199254740992', { n: '9007199254740993' }), true);
    assert.equal(matches('n<5', { n: 'four' }), false);
  });

  it('does not find labels on the prototype of an object', () => {
    assert.equal(matches('constructor', {}), false);
    assert.equal(matches('!toString', {}), true);
  });

  it('says what is wrong', () => {
    for (const [text, reason] of [
      ['a=b,', 'it ends with a comma'],
      ['=b', 'a label key is missing before "="'],
      ['a in x', 'in takes its values in parentheses'],
      ['a in (x', 'the closing parenthesis is missing'],
      ['a b', 'after the key "a" comes one of =, !=, in, notin, and not "b"'],
      ['-a', '"-a" is no label key'],
      ['Example.com/a', '"Example.com/a" is no label key'],
      ['a=-b', '"-b" is no label value'],
      ['a>b', '> compares integers, and "b" is none'],
      ['a=b c', 'unexpected "c"; a comma separates requirements'],
    ] as const) {
      assert.throws(() => parseSelector(text), {
        code: 'selector-invalid',
        message: `the label selector ${JSON.stringify(text)} cannot be read: ${reason}`,
      });
    }
  });
});
