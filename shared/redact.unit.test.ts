import assert from 'node:assert/strict';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { inflate } from './redact-decode.ts';
import { NO_PATTERNS } from './redact-patterns.ts';
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
    const redacted = new Redactor(Buffer.from('k'), [rule], NO_PATTERNS).redact(body, {
      group: 'example.com',
      resource: 'dbs',
    });
    assert.match(value(redacted, 'spec', 'token'), TAG);
    assert.match(value(redacted, 'spec', 'users', '0', 'password'), TAG);
    assert.equal(value(redacted, 'spec', 'users', '0', 'name'), 'a');
    assert.equal((redacted.spec as JsonObject).size, 3);
  });

  it('leaves other kinds alone', () => {
    const body = { metadata: { name: 'x' }, data: { password: 'x' } };
    assert.equal(redactor.redact(body, { group: '', resource: 'configmaps' }), body);
  });

  describe('looks into all other texts of a Secret', () => {
    const VALUE = 'hunter2-Tr0ub4dor';
    const b64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64');
    const copy = (password: string): string => JSON.stringify({ kind: 'Secret', data: { password } });
    const annotated = (note: string, data: JsonObject = { password: b64(VALUE) }): string =>
      value(redactor.redact(secret(data, { note }), SECRETS), 'metadata', 'annotations', 'note');

    const hidden: [string, string][] = [
      ['the value', VALUE],
      ['the value in a sentence', `it was ${VALUE}, once`],
      ['base64', b64(VALUE)],
      ['base64 behind other text', `Basic ${b64(`admin:${VALUE}`)}`],
      ['base64 right behind other letters', `xx${b64(`a${VALUE}`)}`],
      ['base64 twice', b64(b64(VALUE))],
      ['base64 for URLs', Buffer.from(`??>>${VALUE}`).toString('base64url')],
      ['base64 in lines', b64(`${'x'.repeat(60)}${VALUE}`).replace(/.{19}/g, '$&\n')],
      ['gzip in base64', b64(gzipSync(`a=${VALUE}`))],
      ['gzip in base64, twice', b64(b64(gzipSync(`a=${VALUE}`)))],
      ['zlib in base64', b64(deflateSync(VALUE))],
      ['deflate in base64', b64(deflateRawSync(VALUE))],
      ['a text of JSON', JSON.stringify(`it is ${VALUE}`)],
      ['JSON that is escaped', `applied: ${JSON.stringify(JSON.stringify({ a: JSON.stringify({ b: b64(VALUE) }) }))}`],
      ['a URL', `https://example.com/?p=${encodeURIComponent(VALUE).replace('-', '%2D')}`],
      ['hexadecimal digits', Buffer.from(VALUE).toString('hex')],
      ['a copy with another value, cut off', '{"data":{"password":"an-older-one'],
      ['a copy with another value, in YAML', 'kind: Secret\ndata:\n  password: b2xkZXI=\n'],
      ['a copy with another value, compressed', b64(gzipSync(copy(b64('an-older-one'))))],
      ['another value behind the same key', 'password = an-older-one'],
      ['bytes that are nothing known', b64(Buffer.from('28b52ffd2079c90300a4c6f1e2d3b4a59687786950413223', 'hex'))],
      ['gzip that is cut off', b64(gzipSync(copy('x'.repeat(300))).subarray(0, 60))],
      ['text with bytes that are none', 'a\u0000b'],
    ];
    for (const [what, note] of hidden) {
      it(`and redacts whole: ${what}`, () => {
        assert.match(annotated(note), TAG);
      });
    }

    const kept: [string, string][] = [
      ['a sentence', 'rotated every 90 days by the platform team'],
      ['a name', 'cert-manager.io/letsencrypt-production-v2'],
      ['a digest', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
      ['a uid', '7c9e6679-7425-40de-944b-e07fc1f90ae7'],
      ['a time', '2026-11-22T05:05:48Z'],
      ['true', 'true'],
      ['a number', '1'],
      ['a path', '/var/run/secrets/kubernetes.io/ServiceAccount'],
      ['JSON without a value', '{"kind": "Secret", "spec": {"a": 1.0, "b": ["x"]}}\n'],
      ['JSON in base64 without a value', b64('{"kind": "Secret", "spec": {}}')],
      ['what is compressed and holds no value', b64(gzipSync('nothing to see here, nothing to see here'))],
      ['the name of the object', 'shop/db'],
    ];
    for (const [what, note] of kept) {
      it(`and keeps: ${what}`, () => {
        assert.equal(annotated(note), note);
      });
    }

    it('and treats short values as what everybody has, but where they are the value', () => {
      const data = { on: b64('1'), flag: b64('true'), pin: b64('4711'), empty: '', name: b64('db') };
      assert.equal(annotated('1 true replica of db', data), '1 true replica of db');
      assert.equal(annotated('it has 47110 parts', data), 'it has 47110 parts');
      assert.match(annotated('the pin is 4711.', data), TAG);
      assert.match(
        annotated(JSON.stringify({ data, other: 1 }), data),
        /^\{"data":\{"on":"redacted:\w{12}","flag":"redacted:\w{12}",.*\},"other":1\}$/,
      );
    });

    it('and writes a copy in JSON again with the tags of the object, also inside of JSON', () => {
      const redacted = redactor.redact(
        secret({ password: b64(VALUE) }, { note: JSON.stringify([{ inner: copy(b64(VALUE)) }]) }),
        SECRETS,
      );
      const [{ inner }] = JSON.parse(value(redacted, 'metadata', 'annotations', 'note')) as [{ inner: string }];
      assert.deepEqual(JSON.parse(inner), { kind: 'Secret', data: redacted.data });
    });

    it('and finds values that only a copy has, and what a value consists of', () => {
      const data = {
        '.dockerconfigjson': b64(JSON.stringify({ auths: { r: { auth: b64('robot:swordfish-9') } } })),
        url: b64('postgres://shop:s3cr%2Fet-7@db:5432/shop'),
        'app.env': b64('A=1\nTOKEN="tok-123456789"\n'),
      };
      for (const note of ['swordfish-9', 's3cr/et-7', 's3cr%2Fet-7', 'tok-123456789']) {
        assert.match(annotated(note, data), TAG, note);
      }
      const redacted = redactor.redact(secret({}, { a: copy(b64('an-older-one')), b: 'it was an-older-one' }), SECRETS);
      assert.match(value(redacted, 'metadata', 'annotations', 'b'), TAG);
    });

    it('and in labels, finalizers and managedFields, but not in what names it', () => {
      const body = secret({ password: b64('db-in-shop'), user: b64('shop') });
      const metadata = {
        name: 'db',
        namespace: 'shop',
        labels: { a: 'db-in-shop', b: 'shop' },
        finalizers: ['example.com/db-in-shop'],
        managedFields: [{ manager: 'm', fieldsV1: { 'f:metadata': { 'v:"example.com/db-in-shop"': {} } } }],
      };
      const redacted = redactor.redact({ ...body, metadata }, SECRETS).metadata as JsonObject;
      assert.equal(JSON.stringify(redacted).includes('db-in-shop'), false);
      assert.equal(redacted.name, 'db');
      assert.equal(redacted.namespace, 'shop');
      assert.equal((redacted.labels as JsonObject).b, 'shop');
    });

    it('and for the values that the object had before, also in later versions', () => {
      const own = new Redactor(Buffer.from('key'));
      const before = secret({ password: b64('an-older-one') }, { note: 'was an-older-one' });
      const after = secret({ password: b64('a-newer-one') }, { note: 'was an-older-one' });
      const first = own.redact(after, SECRETS, before);
      assert.match(value(first, 'metadata', 'annotations', 'note'), TAG);
      assert.deepEqual(own.redact(after, SECRETS), first);
      assert.deepEqual(own.redact(after, SECRETS, after), first);
      // A process that has not seen the version before takes it from the record.
      const later = new Redactor(Buffer.from('key'));
      const alone = later.redact(after, SECRETS);
      assert.equal(value(alone, 'metadata', 'annotations', 'note'), 'was an-older-one');
      assert.deepEqual(later.asRecorded(alone, first, SECRETS), first);
    });

    it('within a bound: what inflates to a gigabyte is redacted whole', () => {
      const megabyte = (byte: string): Buffer => gzipSync(Buffer.alloc(1024 * 1024, byte), { level: 9 });
      // gzip streams may follow each other: a gigabyte in a megabyte, which itself is compressed to some kilobytes.
      const gigabyte = (byte: string): Buffer => Buffer.concat(Array<Buffer>(1024).fill(megabyte(byte)));
      const bombs = [gigabyte('a').subarray(0, 100_000), gzipSync(gigabyte('a')), gzipSync(gigabyte('\0'))];
      assert.ok((bombs[1]?.length ?? 0) < 10_000);
      assert.equal(
        inflate(Buffer.concat([megabyte('a'), megabyte('a'), megabyte('a')]), false)?.length,
        3 * 1024 * 1024,
      );
      assert.equal(inflate(gigabyte('a').subarray(0, 100_000), false), 'too large');
      const notes = Object.fromEntries(
        Array.from({ length: 60 }, (_, index) => [`n${index}`, b64(bombs[index % 3] ?? '')]),
      );
      const redacted = redactor.redact(secret({ password: b64(VALUE) }, notes), SECRETS);
      for (const key of Object.keys(notes)) assert.match(value(redacted, 'metadata', 'annotations', key), TAG);
    });

    it('within a bound: where there are more values than can be searched for, every text counts as one', () => {
      const values = Array.from({ length: 2001 }, (_, index) => [`k${index}`, b64(`value-${index}`)]);
      assert.match(annotated('harmless', Object.fromEntries(values) as JsonObject), TAG);
      assert.equal(annotated('harmless', Object.fromEntries(values.slice(1)) as JsonObject), 'harmless');
    });

    it('in whatever encodings and places', () => {
      const text = fc
        .string({ minLength: 8, maxLength: 40, unit: 'grapheme-ascii' })
        .filter((each) => each.trim().length >= 8);
      const encodings: Record<string, (inner: string) => string> = {
        base64: (inner) => b64(inner),
        base64url: (inner) => Buffer.from(inner).toString('base64url'),
        gzip: (inner) => b64(gzipSync(inner)),
        zlib: (inner) => b64(deflateSync(inner)),
        json: (inner) => JSON.stringify({ a: [inner], n: 1 }),
        quoted: (inner) => JSON.stringify(inner),
        copy: (inner) => JSON.stringify({ kind: 'Secret', data: { password: inner } }),
        sentence: (inner) => `see ${inner} there`,
      };
      const places = {
        annotation: (note: string): JsonObject => ({ annotations: { note } }),
        label: (note: string): JsonObject => ({ labels: { note } }),
        deep: (note: string): JsonObject => ({ annotations: { note: JSON.stringify({ x: [{ y: note }] }) } }),
      };
      fc.assert(
        fc.property(
          text,
          fc.array(fc.constantFrom(...Object.keys(encodings)), { maxLength: 4 }),
          fc.constantFrom(...Object.values(places)),
          fc.boolean(),
          (plain, path, place, inStringData) => {
            const encoded = path.reduce((inner, name) => encodings[name]?.(inner) ?? inner, plain);
            const body: JsonObject = {
              kind: 'Secret',
              metadata: { name: 'n', namespace: 'm', ...place(encoded) },
              ...(inStringData ? { stringData: { password: plain } } : { data: { password: b64(plain) } }),
            };
            const said = JSON.stringify(redactor.redact(body, SECRETS));
            for (const form of [plain, b64(plain).replace(/=+$/, ''), encoded]) {
              const written = JSON.stringify(form).slice(1, -1);
              assert.equal(said.includes(written), false, `${path.join(' ')}: ${said}`);
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  });

  it('redacts the releases that Helm keeps in ConfigMaps, and reads no other ConfigMap', () => {
    const CONFIG_MAPS = { group: '', resource: 'configmaps' };
    const release = gzipSync('password: hunter2-Tr0ub4dor').toString('base64');
    for (const labels of [
      { OWNER: 'TILLER', NAME: 'web' },
      { owner: 'helm', name: 'web' },
    ]) {
      const body = {
        kind: 'ConfigMap',
        metadata: { name: 'web.v1', labels, annotations: { release } },
        data: { release },
      };
      const redacted = redactor.redact(body, CONFIG_MAPS);
      assert.match(value(redacted, 'data', 'release'), TAG);
      assert.match(value(redacted, 'metadata', 'annotations', 'release'), TAG);
      assert.ok(redactor.covers(CONFIG_MAPS, Buffer.from(JSON.stringify(body))));
    }
    const other = { kind: 'ConfigMap', metadata: { name: 'web', labels: { app: 'helm' } }, data: { release } };
    assert.equal(redactor.redact(other, CONFIG_MAPS), other);
    assert.equal(redactor.covers(CONFIG_MAPS, Buffer.from(JSON.stringify(other))), false);
  });

  it('takes paths as --field does: quoted keys, keys with dots, items by key', () => {
    const rule = {
      group: '',
      resource: 'pods',
      paths: ['data["a.b"]', 'data.c.d', 'spec.containers[app].env[TOKEN].value', 'spec.list[1]'],
    };
    const env = [
      { name: 'TOKEN', value: 'x' },
      { name: 'LEVEL', value: 'y' },
    ];
    const body = {
      metadata: {},
      data: { 'a.b': 'x', 'c.d': 'x', c: { d: 'x' }, a: { b: 'y' } },
      spec: {
        containers: [
          { name: 'app', env },
          { name: 'other', env },
        ],
        list: ['a', 'b'],
      },
    };
    const own = new Redactor(Buffer.from('k'), [rule], NO_PATTERNS);
    const redacted = own.redact(body, { group: '', resource: 'pods' });
    const shown = JSON.stringify(redacted).replace(/redacted:[0-9a-f]{12}/g, '*');
    const rest = env.slice(1);
    assert.deepEqual(JSON.parse(shown), {
      metadata: {},
      data: { 'a.b': '*', 'c.d': '*', c: { d: '*' }, a: { b: 'y' } },
      spec: {
        containers: [
          { name: 'app', env: [{ name: 'TOKEN', value: '*' }, ...rest] },
          { name: 'other', env },
        ],
        list: ['a', '*'],
      },
    });
    assert.deepEqual(own.takeCounts(), [1, 2, 1, 1]);
    assert.deepEqual(own.takeCounts(), [0, 0, 0, 0]);
  });

  it('leaves what a rule does not name as it is, whatever it looks like', () => {
    const rule = { group: '', resource: 'configmaps', paths: ['data.password'] };
    const data = {
      password: 'hunter2-Tr0ub4dor',
      'my.cnf': '[mysqld]\npassword: other\nport = 3306\n',
      logo: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').toString('base64').repeat(4),
      'config.json': '{ "data": { "password": "other" } }',
      'app.conf': 'db=hunter2-Tr0ub4dor',
    };
    const redacted = new Redactor(Buffer.from('k'), [rule], NO_PATTERNS).redact(
      { kind: 'ConfigMap', metadata: { name: 'a' }, data },
      { group: '', resource: 'configmaps' },
    );
    assert.match(value(redacted, 'data', 'app.conf'), TAG, 'it has the value');
    for (const key of ['my.cnf', 'logo', 'config.json'] as const) assert.equal(value(redacted, 'data', key), data[key]);
  });
});
