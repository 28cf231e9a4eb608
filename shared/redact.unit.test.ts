import assert from 'node:assert/strict';
import { Redactor } from './redact.ts';
import type { JsonObject } from './types.ts';

const SECRETS = { group: '', resource: 'secrets' };
const redactor = new Redactor(Buffer.from('key'));
const TAG = /^redacted:[0-9a-f]{12}$/;

const secret = (data: JsonObject, annotations: JsonObject = {}, name = 'db'): JsonObject => ({
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: { name, namespace: 'shop', annotations },
  data,
});

function value(body: JsonObject, ...path: string[]): string {
  const found = path.reduce<unknown>((at, key) => (at as JsonObject)[key], body);
  assert.equal(typeof found, 'string');
  return found as string;
}

describe('redaction', () => {
  it('replaces every value of a Secret, and keeps the keys', () => {
    const redacted = redactor.redact(secret({ password: 'cGFzcw==', user: 'YWxpY2U=' }), SECRETS);
    assert.deepEqual(Object.keys(redacted.data as JsonObject), ['password', 'user']);
    assert.match(value(redacted, 'data', 'password'), TAG);
    assert.match(value(redacted, 'data', 'user'), TAG);
  });

  it('shows a change, and nothing where nothing changed', () => {
    const tag = (password: string, name?: string): string =>
      value(redactor.redact(secret({ password }, {}, name), SECRETS), 'data', 'password');
    assert.equal(tag('b2xk'), tag('b2xk'));
    assert.notEqual(tag('b2xk'), tag('bmV3'));
    assert.notEqual(tag('b2xk'), tag('b2xk', 'other'), 'equal passwords of two objects cannot be told to be equal');
  });

  it('depends on the key', () => {
    const other = new Redactor(Buffer.from('another'));
    assert.notDeepEqual(redactor.redact(secret({ a: 'x' }), SECRETS), other.redact(secret({ a: 'x' }), SECRETS));
  });

  it('reaches into the last-applied annotation', () => {
    const applied = '{"apiVersion":"v1","stringData":{"password":"hunter2"},"kind":"Secret"}\n';
    const redacted = redactor.redact(
      secret({}, { 'kubectl.kubernetes.io/last-applied-configuration': applied }),
      SECRETS,
    );
    const text = value(redacted, 'metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration');
    assert.ok(!text.includes('hunter2'));
    assert.match(text, /^\{"apiVersion":"v1","stringData":\{"password":"redacted:[0-9a-f]{12}"\},"kind":"Secret"\}$/);
  });

  it('replaces an annotation whole that is not JSON', () => {
    const redacted = redactor.redact(
      secret({}, { 'kubectl.kubernetes.io/last-applied-configuration': 'password: hunter2' }),
      SECRETS,
    );
    assert.match(value(redacted, 'metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration'), TAG);
  });

  it('covers more kinds and paths by configuration, into lists', () => {
    const rule = { group: 'example.com', resource: 'dbs', paths: ['spec.users.*.password', 'spec.token'] };
    const body = { metadata: {}, spec: { token: { raw: 1 }, users: [{ name: 'a', password: 'x' }], size: 3 } };
    const redacted = new Redactor(Buffer.from('k'), [rule]).redact(body, { group: 'example.com', resource: 'dbs' });
    assert.match(value(redacted, 'spec', 'token'), TAG);
    assert.match(value(redacted, 'spec', 'users', '0', 'password'), TAG);
    assert.equal(value(redacted, 'spec', 'users', '0', 'name'), 'a');
    assert.equal((redacted.spec as JsonObject).size, 3);
  });

  it('leaves other kinds alone', () => {
    const body = { metadata: { name: 'x' }, data: { password: 'x' } };
    assert.equal(redactor.redact(body, { group: '', resource: 'configmaps' }), body);
  });
});
