import assert from 'node:assert/strict';
import fc from 'fast-check';
import { stringifyJson } from './json.ts';
import { KNOWN_PATTERNS, NO_PATTERNS, Patterns } from './redact-patterns.ts';
import { Redactor } from './redact.ts';
import type { Json, JsonObject } from './types.ts';

const POD = { group: '', resource: 'pods' };
const CONFIG_MAP = { group: '', resource: 'configmaps' };
const known = new Patterns(KNOWN_PATTERNS);
const hide = (body: JsonObject, patterns = known): JsonObject => patterns.redact(body, (secret) => `<${secret}>`);

const exec = (...command: string[]): string[] => hide({ kind: 'PodExecOptions', command }).command as string[];
const variable = (name: string, value: string): Json => {
  const { spec } = hide({ spec: { containers: [{ env: [{ name, value }] }] } }) as {
    spec: { containers: { env: { value: Json }[] }[] };
  };
  return spec.containers[0]?.env[0]?.value ?? null;
};
const file = (text: string, name = 'app.conf'): string =>
  (hide({ kind: 'ConfigMap', data: { [name]: text } }).data as Record<string, string>)[name] ?? '';

describe('patterns: the command of an exec', () => {
  const cases: [string[], string[]][] = [
    [
      ['mysql', '-uroot', '-pS3cr,t!', 'shop'],
      ['mysql', '-uroot', '-p<S3cr,t!>', 'shop'],
    ],
    [
      ['sh', '-c', 'mysql -uroot -pS3cret shop'],
      ['sh', '-c', 'mysql -uroot -p<S3cret> shop'],
    ],
    [
      ['/usr/bin/mysqldump', "-p'a b'"],
      ['/usr/bin/mysqldump', "-p<'a b'>"],
    ],
    [
      ['mysql', '--password=a b'],
      ['mysql', '--password=<a b>'],
    ],
    [
      ['app', '--db-password', 'a b', '-v'],
      ['app', '--db-password', '<a b>', '-v'],
    ],
    [
      ['env', 'PGPASSWORD=hunter2', 'psql'],
      ['env', 'PGPASSWORD=<hunter2>', 'psql'],
    ],
    [
      ['bash', '-lc', "PGPASSWORD='hunter2' psql -h db"],
      ['bash', '-lc', "PGPASSWORD='<hunter2>' psql -h db"],
    ],
    [
      ['redis-cli', '-a', 'hunter2', 'ping'],
      ['redis-cli', '-a', '<hunter2>', 'ping'],
    ],
    [
      ['curl', '-u', 'alice:hunter2', 'http://x'],
      ['curl', '-u', 'alice:<hunter2>', 'http://x'],
    ],
    [
      ['curl', '-H', 'Authorization: Bearer abc.def-1'],
      ['curl', '-H', 'Authorization: Bearer <abc.def-1>'],
    ],
    [
      ['curl', 'https://bob:p%40ss@x.example.com/'],
      ['curl', 'https://bob:<p%40ss>@x.example.com/'],
    ],
    [
      ['psql', 'postgres://app:hunter2@db:5432/shop'],
      ['psql', 'postgres://app:<hunter2>@db:5432/shop'],
    ],
    [
      ['sshpass', '-p', 'hunter2', 'ssh', 'x'],
      ['sshpass', '-p', '<hunter2>', 'ssh', 'x'],
    ],
    [
      ['aws', 'configure', 'set', 'x'],
      ['aws', 'configure', 'set', 'x'],
    ],
    [
      ['sh', '-c', 'mysql -uroot -pmypassword shop < /x.sql'],
      ['sh', '-c', 'mysql -uroot -p<mypassword> shop < /x.sql'],
    ],
    [
      ['sh', '-c', '(mysql -phunter2 )'],
      ['sh', '-c', '(mysql -p<hunter2> )'],
    ],
    [
      ['curl', '--user=alice:hunter2'],
      ['curl', '--user=alice:<hunter2>'],
    ],
    [
      ['openssl', 'rsa', '-passin', 'pass:hunter2'],
      ['openssl', 'rsa', '-passin', 'pass:<hunter2>'],
    ],
    [
      ['docker', 'login', '-p', 'hunter2'],
      ['docker', 'login', '-p', '<hunter2>'],
    ],
    [
      ['psql', '-c', "ALTER USER a WITH PASSWORD 'hunter2'"],
      ['psql', '-c', "ALTER USER a WITH PASSWORD '<hunter2>'"],
    ],
    [['sh', '-c', 'export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7+x'], ['sh', '-c', 'export AWS_SECRET_ACCESS_KEY=<wJalrXUtnFEMI/K7+x>']], // prettier-ignore
  ];
  for (const [command, shown] of cases) {
    it(`hides the password, and nothing else, in ${command.join(' ')}`, () =>
      assert.deepEqual(exec(...command), shown));
  }

  for (const command of [
    ['mysql', '-P', '3306', '-uroot', '-p'],
    ['ps', '-p1'],
    ['sh', '-c', 'mysql -u root -p"$MYSQL_ROOT_PASSWORD" && kill -p 3'],
    ['app', '--password-file', '/run/secrets/p', '--token', '--verbose'],
    ['ls', '-la', '/etc/passwd'],
    ['grep', 'password', '/var/log/app.log'],
    ['mkdir', '-p', '/data'],
    ['docker', 'run', '-p', '8080:80', 'nginx'],
    ['mysql', '-p$$ROOT_PASSWORD'],
    ['app', '--max-token=4096'],
    ['sh', '-c', 'if [ "$PASSWORD" == "" ]; then exit 1; fi; mysql; mkdir -p/data'],
  ]) {
    it(`leaves ${command.join(' ')}`, () => assert.deepEqual(exec(...command), command));
  }
});

describe('patterns: variables of containers', () => {
  for (const [name, value, shown] of [
    ['DB_PASSWORD', 'hunter2', '<hunter2>'],
    ['dbPassword', 'a b c', '<a b c>'],
    ['GITHUB_TOKEN', 'x', '<x>'],
    ['SESSION_SECRET', 'keyboard cat', '<keyboard cat>'],
    ['API_KEY', 'abc', '<abc>'],
    ['DB_PASSWORD', 'hunter2\n', '<hunter2\n>'],
    ['DB_PASSWORD', '/hunter2', '</hunter2>'],
    ['DATABASE_URL', 'mysql://root:hunter2@db/shop?ssl=true', 'mysql://root:<hunter2>@db/shop?ssl=true'],
    ['DSN', 'root:hunter2@tcp(db:3306)/shop', 'root:<hunter2>@tcp(db:3306)/shop'],
    ['JAVA_OPTS', '-Xmx1g -Dkey.password=hunter2 -Dx=y', '-Xmx1g -Dkey.password=<hunter2> -Dx=y'],
    ['CONFIG', '{"user":"a","password":"hunter2"}', '{"user":"a","password":"<hunter2>"}'],
    ['X', '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', '<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>'],
    ['X', 'at https://hooks.slack.com/services/T01/B02/abc!', 'at <https://hooks.slack.com/services/T01/B02/abc>!'],
  ] as const) {
    it(`hides what is confidential in ${name}=${value}`, () => assert.equal(variable(name, value), shown));
  }

  for (const [name, value] of [
    ['DB_PASSWORD', '$(OTHER)'],
    ['DB_PASSWORD', ''],
    ['PASSWORD_FILE', '/run/secrets/db'],
    ['DB_PASSWORD', '/run/secrets/db'],
    ['REQUIRE_TOKEN', 'true'],
    ['TOKEN_TTL', '3600'],
    ['SECRET_NAME', 'web-tls'],
    ['TLS_SECRET', 'web-tls'],
    ['PASSWORD_MIN_LENGTH', '8'],
    ['RESET_PASSWORD', 'https://shop.example.com/reset'],
    ['PWD', '/app'],
    ['COMPASS', 'north'],
    ['URL', 'https://example.com:8443/a@b'],
    ['PATH', '/usr/bin:/bin'],
  ] as const) {
    it(`leaves ${name}=${value}`, () => assert.equal(variable(name, value), value));
  }

  it('are looked for in templates and custom resources, init containers and jobs', () => {
    const env = (value: string): Json => [
      { name: 'TOKEN', value },
      { name: 'SAFE', valueFrom: { secretKeyRef: {} } },
    ];
    const body = (value: string): JsonObject => ({
      spec: { jobTemplate: { spec: { template: { spec: { initContainers: [{ env: env(value) }] } } } } },
    });
    assert.deepEqual(hide(body('abc')), body('<abc>'));
  });
});

describe('patterns: the files of a ConfigMap', () => {
  for (const [text, shown] of [
    ['user: app\npassword: correct horse # prod\nport: 1\n', 'user: app\npassword: <correct horse> # prod\nport: 1\n'],
    ['spring.datasource.password=hunter2\r\nx=y', 'spring.datasource.password=<hunter2>\r\nx=y'],
    ['  "clientSecret": "a\\"b",\n  "x": 1', '  "clientSecret": "<a\\"b>",\n  "x": 1'],
    ["'db_password' => 'hunter2',", "'db_password' => '<hunter2>',"],
    ['token: 0123456789abcdef0', 'token: <0123456789abcdef0>'],
    ['a=b password=x&y', 'a=b password=<x>&y'],
    ['port 6379\nrequirepass hunter2\n', 'port 6379\nrequirepass <hunter2>\n'],
    ["CREATE USER a IDENTIFIED BY 'hunter2';", "CREATE USER a IDENTIFIED BY '<hunter2>';"],
  ] as const) {
    it(`lose only the password of ${JSON.stringify(text)}`, () => assert.equal(file(text), shown));
  }

  for (const text of [
    'password: ${DB_PASSWORD}\nsecret: web-tls\ntoken: null\n',
    'password: ""\npassword:\npasswordSecretRef: db\n',
    'password: {{ .Values.password }}',
    'if password == nil { return }',
    'compass: north\nbypass=on',
    'password: /run/secrets/db\npassword: *shared\npassword: # none\npasswordFile: /run/x',
    'password = os.environ["X"]; password = read_password()',
    'secretKeyRef: db\n# the password is in the vault\n',
  ]) {
    it(`are left where there is only what stands for one: ${JSON.stringify(text)}`, () =>
      assert.equal(file(text), text));
  }

  it('lose a value whose name says it, and a private key', () => {
    assert.equal(file('hunter2', 'db-password'), '<hunter2>');
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(8)}\n-----END RSA PRIVATE KEY-----`;
    assert.equal(file(`ssl:\n${key}\nend`), `ssl:\n<${key}>\nend`);
  });
});

describe('patterns', () => {
  it('look into the copy that kubectl keeps, and not into status or other fields', () => {
    const at = (value: string): JsonObject => ({ kind: 'ConfigMap', data: { password: value } });
    const body = (value: string): JsonObject => ({
      ...at(value),
      metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': stringifyJson(at(value)) } },
    });
    assert.deepEqual(hide(body('hunter2')), body('<hunter2>'));
    const other = { spec: { note: 'password=hunter2' }, status: { env: [{ name: 'TOKEN', value: 'abc' }] } };
    assert.equal(hide(other), other);
  });

  it('find what the operator names, by its first group or as a whole, and nothing where they are off', () => {
    const own = new Patterns({ wellKnown: false, own: ['ACME-([0-9]+)', 'zz+'] });
    const body = (text: string): JsonObject => ({ kind: 'ConfigMap', data: { x: text } });
    assert.deepEqual(hide(body('ACME-123 zzz password=x'), own), body('ACME-<123> <zzz> password=x'));
    assert.equal(own.mayHold(CONFIG_MAP, Buffer.from('{}')), true);
    const off = new Patterns(NO_PATTERNS);
    const secret = body('password=x');
    assert.equal(hide(secret, off), secret);
    assert.equal(off.mayHold(CONFIG_MAP, Buffer.from(stringifyJson(secret))), false);
  });

  it('tag equal passwords of one namespace alike, of two namespaces apart, and find nothing in what they have left', () => {
    const redactor = new Redactor(Buffer.from('key'));
    const pod = (namespace: string, name: string, value: string): JsonObject => ({
      kind: 'Pod',
      metadata: { namespace, name },
      spec: { containers: [{ env: [{ name: 'URL', value: `amqp://a:${value}@mq` }] }] },
    });
    const textOf = (body: JsonObject): string =>
      /amqp:[^"]*/.exec(stringifyJson(redactor.redact(body, POD)))?.[0] ?? '';
    const [one, other] = [textOf(pod('shop', 'a', 'hunter2')), textOf(pod('shop', 'b', 'hunter2'))];
    assert.match(one, /^amqp:\/\/a:redacted:[0-9a-f]{12}@mq$/);
    assert.equal(one, other);
    assert.notEqual(one, textOf(pod('shop', 'a', 'hunter3')));
    assert.notEqual(one, textOf(pod('bank', 'a', 'hunter2')));
    const clean = redactor.redact(pod('shop', 'a', 'hunter2'), POD);
    assert.deepEqual(redactor.redact(clean, POD), clean);
  });

  const words = fc.constantFrom(
    ...[
      'password',
      'PASSWORD',
      'token',
      'api_key',
      'mysql',
      '-pX',
      '--password',
      '=',
      ': ',
      ' ',
      '"',
      "'",
      '\\',
      '\n',
      '://u:p@h',
    ],
    ...[
      'Bearer abc',
      "identified by 'x'",
      '\nmasterauth x',
      'Authorization: ',
      '-----BEGIN',
      'ghp_',
      'redacted:0123456789ab',
      '{',
      '}',
      ']',
      ',',
      'é',
      '$(X)',
      '\u2028',
    ],
  );
  const text = fc.array(fc.oneof(words, fc.string({ maxLength: 6 })), { maxLength: 8 }).map((parts) => parts.join(''));
  const body = fc.record({
    kind: fc.constantFrom('ConfigMap', 'Pod'),
    metadata: fc.constant<JsonObject>({ namespace: 'shop', name: 'a' }),
    data: fc.dictionary(fc.constantFrom('password', 'app.yaml', 'x'), text),
    spec: fc.record({
      containers: fc.array(
        fc.record({
          command: fc.array(text, { maxLength: 4 }),
          env: fc.array(fc.record({ name: text, value: text }), { maxLength: 3 }),
        }),
        { maxLength: 2 },
      ),
    }),
  });

  it('are looked for in every review that has one: the quick look at its bytes misses none', () => {
    fc.assert(
      fc.property(body, (object) => {
        const type = object.kind === 'ConfigMap' ? CONFIG_MAP : POD;
        const changed = hide(object) !== object;
        const bytes = Buffer.from(stringifyJson({ request: { object } }));
        assert.ok(!changed || known.mayHold(type, bytes), bytes.toString());
        const copy = { metadata: { annotations: { copy: stringifyJson(object) } } };
        const inCopy = Buffer.from(stringifyJson({ request: { object: copy } }));
        assert.ok(hide(copy) === copy || known.mayHold(type, inCopy), inCopy.toString());
      }),
      { numRuns: 400 },
    );
  });

  it('change nothing of what they have redacted, and take no longer where the text is long', () => {
    const redactor = new Redactor(Buffer.from('key'));
    fc.assert(
      fc.property(body, (object) => {
        const clean = redactor.redactMatches(object);
        assert.deepEqual(redactor.redactMatches(clean), clean);
      }),
      { numRuns: 300 },
    );
    // One was looked at for minutes where each place was read to the end of the text.
    for (const part of ['"value":"', '"command', '"command":["', 'password=', 'mysql -p x ', '"args":["a"']) {
      const text = part.repeat(300_000 / part.length);
      known.mayHold(POD, Buffer.from(text));
      known.mayHold(POD, Buffer.from(stringifyJson({ command: [text], env: [{ name: 'x', value: text }] })));
      hide({ spec: { command: text.split(' ') } });
    }
    for (const part of [
      'a',
      'password',
      'password=',
      'password:',
      'password: ',
      '://a:',
      '-',
      'a:',
      '"',
      '\\',
      ' \t',
      'Authorization: ',
      'key=\\"',
      'x@tcp',
    ]) {
      file(part.repeat(300_000 / part.length));
    }
  });
});
