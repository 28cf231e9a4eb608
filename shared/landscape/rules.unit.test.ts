import assert from 'node:assert/strict';
import { ruleFor } from './rule-for.ts';
import { parseLandscapeRules } from './rules.ts';

const OBJECT = { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'payments-eu', name: 'api', uid: 'u' }; // prettier-ignore

describe('the rules of the landscape', () => {
  it('are a list, with conditions of which all must hold', () => {
    const rules = parseLandscapeRules(
      [
        '# comment',
        '- where: {namespace: shop}',
        '  team: other',
        '- where: {namespace: payments-*, kind: deployment, name: a?i, labels: "tier in (api, web)"}',
        '  application: payments',
        '- where: {namespace: payments-*}',
        '  team: payments',
        '  application: later',
      ].join('\n'),
      'rules.yaml',
    );
    assert.deepEqual(
      rules.map(({ line }) => line),
      [2, 4, 6],
    );
    const labelled = { labels: { tier: 'api' } };
    assert.equal(ruleFor(rules, 'application', OBJECT, labelled)?.application, 'payments');
    assert.equal(ruleFor(rules, 'application', OBJECT, {})?.application, 'later');
    assert.equal(ruleFor(rules, 'team', OBJECT, labelled)?.team, 'payments');
    assert.equal(ruleFor(rules, 'product', OBJECT, labelled), null);
    assert.equal(ruleFor(rules, 'team', { ...OBJECT, namespace: 'default' }, labelled), null);
  });

  it('may be none', () => {
    assert.deepEqual(parseLandscapeRules('', 'rules.yaml'), []);
    assert.deepEqual(parseLandscapeRules('# nothing yet\n', 'rules.yaml'), []);
  });

  const BAD: Record<string, [text: string, message: RegExp]> = {
    'no list': ['team: a', /^rules\.yaml, line 1: must be a list of rules$/],
    'no YAML': ['- where: {namespace: a\n  team: b\n- x', /^rules\.yaml, line \d: /],
    'an unknown key': [
      '- where: {}\n  team: a\n- where: {}\n  tema: b',
      /^rules\.yaml, line 4: has the unknown key "tema"/,
    ],
    'an unknown condition': ['- where: {ns: a}\n  team: a', /^rules\.yaml, line 1: has the unknown condition "ns"/],
    'no condition': ['- team: a', /^rules\.yaml, line 1: has no "where"/],
    'nothing said': ['- where: {name: a}', /^rules\.yaml, line 1: says nothing/],
    'a number': ['- where: {name: a}\n  team: 5', /^rules\.yaml, line 2: team must be a text$/],
    'a bad selector': ['- where:\n    labels: "a in ("\n  team: b', /^rules\.yaml, line 2: /],
  };
  for (const [what, [text, message]] of Object.entries(BAD)) {
    it(`name the line of ${what}`, () => {
      assert.throws(() => parseLandscapeRules(text, 'rules.yaml'), { code: 'input-invalid', message });
    });
  }
});
