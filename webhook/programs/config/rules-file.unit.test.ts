import assert from 'node:assert/strict';
import { parseRulesFile } from './rules-file.ts';

const read = (text: string): ReturnType<typeof parseRulesFile> => parseRulesFile(text, 'rules.yaml');

describe('the configuration file', () => {
  it('gives rules in order, and paths to redact', () => {
    const file = read(`
# people only
rules:
  - exclude: {users: ["system:*"], resources: [nodes/status]}
  - include:
      operations: [CREATE, DELETE]
redact:
  - {resource: dbs.example.com, paths: [spec.password]}
patterns:
  wellKnown: false
  own: ["ACME-([0-9A-F]{32})"]
`);
    assert.deepEqual(file, {
      rules: [
        { action: 'exclude', users: ['system:*'], resources: ['nodes/status'] },
        { action: 'include', operations: ['CREATE', 'DELETE'] },
      ],
      redact: [{ group: 'example.com', resource: 'dbs', paths: ['spec.password'] }],
      patterns: { wellKnown: false, own: ['ACME-([0-9A-F]{32})'] },
    });
  });

  it('may be empty', () => {
    assert.deepEqual(read(''), { rules: [], redact: [], patterns: { wellKnown: true, own: [] } });
  });

  const bad: [string, string, RegExp][] = [
    [
      'an unknown key at the top',
      'rules: []\nredcat: []\n',
      /^rules\.yaml, line 2: the file has the unknown key "redcat"$/,
    ],
    [
      'a rule that is neither',
      'rules:\n  - exclude: {users: [a]}\n  - allow: {users: [a]}\n',
      /^rules\.yaml, line 3: rules\.1 has the unknown key "allow"$/,
    ],
    [
      'an unknown condition',
      'rules:\n  - exclude:\n      users: [a]\n      user: [a]\n',
      /^rules\.yaml, line 4: rules\.0\.exclude has the unknown key "user"$/,
    ],
    [
      'a text where a list belongs',
      'rules:\n  - exclude:\n      users: alice\n',
      /^rules\.yaml, line 3: rules\.0\.exclude\.users is not valid: .*array/,
    ],
    [
      'an unknown operation',
      'rules:\n  - include:\n      operations:\n        - CREATE\n        - PATCH\n',
      /^rules\.yaml, line 5: rules\.0\.include\.operations\.1 is not valid/,
    ],
    [
      'a rule without a condition',
      'rules:\n  - exclude: {}\n',
      /^rules\.yaml, line 2: rules\.0\.exclude has no condition/,
    ],
    ['text that is not YAML', 'rules:\n  - exclude: {users: [a\n', /^rules\.yaml, line \d: /],
    [
      'a redaction without paths',
      'redact:\n  - resource: configmaps\n',
      /^rules\.yaml, line 2: redact\.0\.paths is not valid/,
    ],
    [
      'a path of a redaction that could never match',
      'redact:\n  - resource: configmaps\n    paths:\n      - data.x\n      - /data/y\n',
      /^rules\.yaml, line 5: the path "\/data\/y" cannot be used: it is a JSON pointer; write data\.y$/,
    ],
    [
      'a path that is a list in YAML',
      'redact:\n  - resource: configmaps\n    paths:\n      - ["a.b"]\n',
      /^rules\.yaml, line 4: redact\.0\.paths\.0 is not valid: is not a text: a path that begins with \[ is written in quotes$/,
    ],
    [
      'a kind where a resource belongs, in a redaction',
      'redact:\n  - paths: [data.x]\n    resource: ConfigMap\n',
      /^rules\.yaml, line 3: the resource "ConfigMap" cannot be used: .*; write configmaps$/,
    ],
    [
      'a resource without its group, in a rule',
      'rules:\n  - exclude:\n      resources: ["*.example.com", "pods/*", deployments]\n',
      /^rules\.yaml, line 3: the resource "deployments" cannot be used: .*; write deployments\.apps$/,
    ],
    [
      'a pattern that is no regular expression',
      'patterns:\n  own:\n    - a\n    - "(b"\n',
      /^rules\.yaml, line 4: the pattern "\(b" cannot be used: Invalid regular expression/,
    ],
    [
      'a pattern that matches everywhere',
      'patterns: {own: ["x*"]}\n',
      /^rules\.yaml, line 1: the pattern "x\*" cannot be used: it matches the empty text$/,
    ],
    [
      'a switch of patterns that is none',
      'patterns:\n  wellKnown: maybe\n',
      /^rules\.yaml, line 2: patterns\.wellKnown is not valid/,
    ],
    [
      'an unknown key of a redaction',
      'redact:\n  - resource: configmaps\n    path: data.x\n    paths: [data.x]\n',
      /^rules\.yaml, line 3: redact\.0 has the unknown key "path"$/,
    ],
  ];
  for (const [what, text, message] of bad) {
    it(`is refused for ${what}, with the line`, () => {
      assert.throws(
        () => read(text),
        (error: Error) => {
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
