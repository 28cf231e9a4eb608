import assert from 'node:assert/strict';
import { revisionUrl, toolByRules } from '../origins/rules.ts';
import { ruleFor } from './rule-for.ts';
import { parseLandscapeRules, parseRules } from './rules.ts';

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

  it('name tools, and say where revisions are', () => {
    const { objects, tools, revisions } = parseRules(
      [
        '- where: {manager: deploy*, user: "system:serviceaccount:ci:*"}',
        '  tool: Our deployer',
        '- where: {repository: shop/*}',
        '  revision: https://git.example.com/{repo}/tree/{revision}/{path}',
        '- revision: http://localhost/{revision}',
      ].join('\n'),
      'rules.yaml',
    );
    assert.deepEqual(objects, []);
    const by = (manager: string, username: string): string | null =>
      toolByRules({ manager, actor: { username } }, tools);
    assert.equal(by('deployer', 'system:serviceaccount:ci:bot'), 'Our deployer');
    assert.equal(by('deployer', 'alice'), null);
    // What is known without a rule stays.
    assert.equal(by('Terraform', 'system:serviceaccount:ci:bot'), 'Terraform');
    assert.equal(toolByRules({ manager: 'deployer', actor: null }, tools), null);
    const source = {
      repository: 'git@git.example.com:shop/deploy.git',
      revision: '9be27d1',
      path: 'a b/web',
      chart: '',
    };
    assert.equal(revisionUrl(source, revisions), 'https://git.example.com/shop/deploy/tree/9be27d1/a%20b/web');
    assert.equal(revisionUrl({ ...source, repository: 'other' }, revisions), 'http://localhost/9be27d1');
    assert.equal(revisionUrl({ ...source, revision: '' }, revisions), '');
    assert.equal(revisionUrl({ ...source, chart: 'web-1.0.0' }, revisions), '');
    assert.equal(revisionUrl({ ...source, repository: 'other' }, revisions.slice(0, 1)), '');
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
    'a condition of another kind': [
      '- where: {namespace: a}\n  tool: b',
      /^rules\.yaml, line 1: has the unknown condition "namespace": known are manager, user$/,
    ],
    'a tool and a team': [
      '- where: {user: a}\n  tool: b\n  team: c',
      /^rules\.yaml, line 3: has the unknown key "team": known are where, tool$/,
    ],
    'a URL of another kind': ['- revision: "javascript:{revision}"', /^rules\.yaml, line 1: revision must be a URL/],
    'a URL with an escape sequence': [
      '- revision: "https://a/\\e]8;;{revision}"',
      /^rules\.yaml, line 1: revision must be a URL/,
    ],
    'a URL with an unknown part': [
      '- revision: https://a/{sha}',
      /^rules\.yaml, line 1: revision has the unknown part \{sha\}/,
    ],
    'a URL without the revision': [
      '- revision: https://a/{repo}',
      /^rules\.yaml, line 1: revision must contain \{revision\}$/,
    ],
    'a bad selector': ['- where:\n    labels: "a in ("\n  team: b', /^rules\.yaml, line 2: /],
  };
  for (const [what, [text, message]] of Object.entries(BAD)) {
    it(`name the line of ${what}`, () => {
      assert.throws(() => parseLandscapeRules(text, 'rules.yaml'), { code: 'input-invalid', message });
    });
  }
});
