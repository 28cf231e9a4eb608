import assert from 'node:assert/strict';
import { parseRedactionPath, parseRuleResource } from './redaction-path.ts';
import { printPath } from './redaction-rules.ts';

describe('the path of a redaction rule', () => {
  const good: [string, string][] = [
    ['data.password', 'data.password'],
    ['data["application.properties"]', 'data["application.properties"]'],
    ["data['a b']", 'data["a b"]'],
    ['data.application.properties', 'data.application.properties'],
    ['["a.b"]', '["a.b"]'],
    ['data[*]', 'data.*'],
    ['data["*"]', 'data["*"]'],
    ['spec.users.*.password', 'spec.users.*.password'],
    ['spec.containers[app].env[TOKEN].value', 'spec.containers.app.env.TOKEN.value'],
    ['metadata.annotations.*', 'metadata.annotations.*'],
  ];
  for (const [text, printed] of good) {
    it(`may be ${text}, and can be written as it is printed`, () => {
      const steps = parseRedactionPath(text);
      assert.equal(printPath(steps), printed);
      assert.deepEqual(parseRedactionPath(printed), steps);
    });
  }

  const bad: [string, RegExp][] = [
    ['.data.x', /the path "\.data\.x" cannot be used: it begins with a dot; write data\.x$/],
    ['/data/a~1b', /: it is a JSON pointer; write data\["a\/b"\]$/],
    ['data.a\\.b', /: a dot inside a key is written by quoting the key.*; write data\["a\.b"\]$/],
    ['a\\.b', /; write \["a\.b"\]$/],
    ['{.data.x}', /: it is a JSONPath; write data\.x$/],
    ['$.data.x', /: it is a JSONPath; write data\.x$/],
    ['data..x', /: it cannot be read; write data\.password or /],
    ['data.pass*', /: \* stands for a whole key or index, not for a part of one; write data\.\*$/],
    ['data[]', /: a key is empty; write data\[\*\]$/],
    [' data.x', /: " data" is not a key; /],
    ['metadata.name', /: it would hide what names the object; /],
    ['*', /: it would hide what names the object; /],
    ['*.*', /: it would hide what names the object; /],
    ['metadata.ownerReferences[0].name', /: it would hide what names the object; /],
    ['metadata.resourceVersion', /: it is never recorded; /],
  ];
  for (const [text, message] of bad) {
    it(`cannot be ${text}, and says what to write instead`, () => {
      assert.throws(() => parseRedactionPath(text), message);
    });
  }
});

describe('the resource of a rule', () => {
  it('is plural, in lower case, with its group', () => {
    assert.deepEqual(parseRuleResource('configmaps'), { group: '', resource: 'configmaps' });
    assert.deepEqual(parseRuleResource('deployments.apps'), { group: 'apps', resource: 'deployments' });
    assert.deepEqual(parseRuleResource('dbs.example.com'), { group: 'example.com', resource: 'dbs' });
  });

  const bad: [string, RegExp][] = [
    ['ConfigMap', /the resource "ConfigMap" cannot be used: .*; write configmaps$/],
    ['cm', /; write configmaps$/],
    ['deployments', /; write deployments\.apps$/],
    ['deployments.v1.apps', /; write deployments\.apps$/],
    ['secrets/token', /: a redaction holds for all subresources; write secrets$/],
    ['databases', /: Kubernetes has no such resource without a group; /],
    ['Database.example.com', /: it is not a plural name in lower case; /],
    ['*.example.com', /: it is not a plural name in lower case; /],
  ];
  for (const [text, message] of bad) {
    it(`is not ${text}, and says what to write instead`, () => {
      assert.throws(() => parseRuleResource(text), message);
    });
  }
});
