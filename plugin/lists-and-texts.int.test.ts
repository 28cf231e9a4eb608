import assert from 'node:assert/strict';
import { importCase } from '../webhook/testing/ledgers/case-ledger.ts';
import { useSharedFolder } from '../webhook/testing/folder.ts';
import { ask } from './testing/ask.ts';

/** Asks for the lines of an object: `ID line` each, of the field. */
function asker(db: () => string) {
  const out = async (words: string): Promise<string> => (await ask(['--db', db(), ...words.split(' ')])).out;
  return {
    out,
    lines: async (words: string): Promise<string[]> =>
      (await out(`${words} --format lines`))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `${/^ *(\d+)/.exec(line)?.[1] ?? '?'} ${line.slice(line.indexOf('│') + 2)}`),
    words: async (words: string): Promise<string[]> =>
      (await out(`${words} -o wide`))
        .split('\n')
        .slice(1, -1)
        .map((row) => row.split(/ {2,}/))
        .map(([id = '', ...cells]) => `${id} ${cells.slice(12).join('  ')}`),
    patch: async (id: number): Promise<unknown[]> =>
      (JSON.parse(await out(`undo ${id}`)) as { op: string; path: string }[]).filter(({ op }) => op !== 'test'),
  };
}

describe('lists whose items no merge key tells apart', () => {
  const file = useSharedFolder();
  const { lines, words, patch } = asker(() => file('lists.db'));
  before(() => importCase('16-lists-keys', file('lists.db')));

  const ROUTE = 'httproutes.gateway.networking.k8s.io r -n edge';
  const PLACEMENT = 'placements.infra.example.com p -n edge';

  it('tell who changed which rule of an HTTPRoute', async () => {
    assert.deepEqual(await words(ROUTE), [
      '5 - spec.rules[0]: {matches: [{path: {type: Exact, value: /health}}], backendRefs: [{name: web, port: 80}]}; spec.rules[0].backendRefs["80"].weight: 50 → 100; - spec.rules[0].backendRefs["81"]: {name: api, port: 81, weight: 50}',
      '4 spec.rules[2].backendRefs[web].port: 80 → 8080',
      '3 + spec.rules[0]: {matches: [{path: {type: Exact, value: /health}}], backendRefs: [{name: web, port: 80}]}',
      '2 spec.rules[0].backendRefs["80"].weight: 90 → 50; spec.rules[0].backendRefs["81"].weight: 10 → 50',
      '1 created',
    ]);
  });

  it('blame nobody for a rule that another one was put before, or taken from before', async () => {
    const rule = (owner: number, web: string): string[] => [
      `${owner}   - backendRefs:`,
      `${owner}     - name: web`,
      web,
      `${owner}     matches:`,
      `${owner}     - path:`,
    ];
    const start = ['1 spec:', '1   parentRefs:', '1   - name: gw', '1     sectionName: http', '1   - name: gw'];
    const parents = [...start, '1     sectionName: https', '1   rules:'];
    const matches = (owner: number, type: string, value: string): string[] => [
      `${owner}         type: ${type}`,
      `${owner}         value: ${value}`,
    ];
    assert.deepEqual(await lines(`${ROUTE} --field spec --at 2026-09-14T08:03:30Z`), [
      ...parents,
      ...[...rule(3, '3       port: 80'), ...matches(3, 'Exact', '/health')],
      ...['1   - backendRefs:', '1     - name: api', '1       port: 80', '2       weight: 50'],
      ...['1     - name: api', '1       port: 81', '2       weight: 50', '1     matches:', '1     - path:'],
      ...matches(1, 'PathPrefix', '/api'),
      ...[...rule(1, '4       port: 8080'), ...matches(1, 'PathPrefix', '/')],
    ]);
    assert.deepEqual(await lines(`${ROUTE} --field spec`), [
      ...parents,
      ...['1   - backendRefs:', '1     - name: api', '1       port: 80', '5       weight: 100'],
      ...['1     matches:', '1     - path:', ...matches(1, 'PathPrefix', '/api')],
      ...[...rule(1, '4       port: 8080'), ...matches(1, 'PathPrefix', '/')],
    ]);
  });

  it('take back one rule, and one weight', async () => {
    assert.deepEqual(await patch(5), [
      {
        op: 'add',
        path: '/spec/rules/0',
        value: { matches: [{ path: { type: 'Exact', value: '/health' } }], backendRefs: [{ name: 'web', port: 80 }] },
      },
      { op: 'replace', path: '/spec/rules/1/backendRefs/0/weight', value: 50 },
      { op: 'add', path: '/spec/rules/1/backendRefs/1', value: { name: 'api', port: 81, weight: 50 } },
    ]);
  });

  it('follow the rules of an Ingress and the peers of a NetworkPolicy through a new order', async () => {
    assert.deepEqual(await words('ingress i -n edge'), [
      '7 spec.rules[0].http.paths[/].backend.service.name: def → fallback; spec.rules[]: [0, 1, 2] → [2, 1, 0]',
      '6 created',
    ]);
    const ingress = await lines('ingress i -n edge --field spec');
    assert.deepEqual(
      ingress.filter((line) => !line.startsWith('6 ')),
      ['7             name: fallback'],
    );
    assert.deepEqual(await words('netpol n -n edge'), [
      '9 + spec.ingress[0].from[0].ipBlock.cidr: 0.0.0.0/0',
      '8 created',
    ]);
    const policy = await lines('netpol n -n edge --field spec');
    assert.deepEqual(
      policy.filter((line) => !line.startsWith('8 ')),
      ['9     - ipBlock:', '9         cidr: 0.0.0.0/0'],
    );
    assert.deepEqual(await patch(9), [{ op: 'remove', path: '/spec/ingress/0/from/0' }]);
  });

  it('follow the items of a custom resource by what they have in common', async () => {
    assert.equal((await words(PLACEMENT))[2], '11 spec.slots[0].weight: 30 → 35; spec.slots[]: [0, 1, 2] → [2, 0, 1]');
    const found = await lines(`${PLACEMENT} --field spec`);
    assert.deepEqual(
      found.filter((line) => !line.startsWith('10 ')),
      ['11     weight: 35'],
    );
    assert.deepEqual(await patch(11), [
      { op: 'move', from: '/spec/slots/0', path: '/spec/slots/2' },
      { op: 'replace', path: '/spec/slots/2/weight', value: 30 },
    ]);
  });
});

describe('a list in which a merge key occurs twice', () => {
  const file = useSharedFolder();
  const { lines, words, patch, out } = asker(() => file('env.db'));
  before(() => importCase('01-dup-env', file('env.db')));

  const ENV = '/spec/template/spec/containers/0/env';
  const env = 'spec.template.spec.containers[app].env';

  it('tells which of the items was changed', async () => {
    assert.deepEqual(await words('deploy pay -n shop'), [
      `5 - ${env}[4]: {name: TEST, value: t}`,
      `4 + ${env}[2]: {name: TEST, value: t}; + ${env}[3]: {name: TEST2, value: t2}; + ${env}[4]: {name: TEST, value: t}`,
      `3 - ${env}[MY_ENV_VAR].value: value2`,
      `2 ${env}[0].name: MY_ENV_VAR → MY_NEW_ENV_VAR`,
      '1 created: image registry.example.com/pay:1.0, replicas 2',
    ]);
    assert.deepEqual(await lines(`deploy pay -n shop --field ${env}`), [
      '1       - env:',
      '2         - name: MY_NEW_ENV_VAR',
      '1           value: value1',
      '1         - name: LOG',
      '1           value: info',
      ...['4         - name: TEST', '4           value: t', '4         - name: TEST2', '4           value: t2'],
    ]);
    const removed = await out(`deploy pay -n shop --format lines --removed --field ${env}`);
    assert.deepEqual(
      removed.split('\n').flatMap((line) => /^(\d).*│-\s+(.*)/.exec(line)?.slice(1).join(' ') ?? []),
      ['3 - name: MY_ENV_VAR', '3 value: value2', '5 - name: TEST', '5 value: t'],
    );
  });

  it('is taken back item by item', async () => {
    assert.deepEqual(await patch(3), [{ op: 'add', path: `${ENV}/1`, value: { name: 'MY_ENV_VAR', value: 'value2' } }]);
    assert.deepEqual(await patch(2), [{ op: 'replace', path: `${ENV}/0/name`, value: 'MY_ENV_VAR' }]);
    assert.deepEqual(await patch(5), [{ op: 'add', path: `${ENV}/4`, value: { name: 'TEST', value: 't' } }]);
  });

  it('is patched item by item', async () => {
    const patches = (await out('deploy pay -n shop --format patch')).split('\n');
    assert.deepEqual(
      patches.filter((line) => line.includes('/env/')).map((line) => line.trim().replace(/,$/, '')),
      [
        `{"op":"remove","path":"${ENV}/4"}`,
        `{"op":"add","path":"${ENV}/2","value":{"name":"TEST","value":"t"}}`,
        `{"op":"add","path":"${ENV}/3","value":{"name":"TEST2","value":"t2"}}`,
        `{"op":"add","path":"${ENV}/4","value":{"name":"TEST","value":"t"}}`,
        `{"op":"remove","path":"${ENV}/1"}`,
        `{"op":"replace","path":"${ENV}/0/name","value":"MY_NEW_ENV_VAR"}`,
      ],
    );
  });
});

describe('texts with line ends, tabs, spaces and characters that YAML puts in quotes', () => {
  const file = useSharedFolder();
  const { lines, words, out } = asker(() => file('texts.db'));
  before(() => importCase('09-configmap-whitespace', file('texts.db')));

  const FILES = ['crlf.ini', 'emoji.txt', 'lf.conf', 'noeol.txt', 'tab.conf', 'trail.conf'];

  it('are told by the line that changed', async () => {
    const first = (name: string, end = ''): string =>
      end === ''
        ? `data["${name}"]: line 41: option_040 = value 40 → option_040 = changed by erin (+1 -1)`
        : `data["${name}"]: line 41: "option_040 = value 40${end}" → "option_040 = changed by erin${end}" (+1 -1)`;
    const [gina, frank, erin = '', dana] = await words('cm conf -n shop');
    assert.equal(gina, '4 data["noeol.txt"]: line 6: option_005 = value 5 → "option_005 = value 5 " (+1 -1)');
    assert.equal(frank, '3 data["lf.conf"]: only line ends: \\n → \\r\\n (60 lines)');
    assert.deepEqual(
      erin.slice(2).split('; ').sort(),
      FILES.map((name) => first(name, name === 'crlf.ini' ? '\\r' : '')).sort(),
    );
    assert.equal(dana, '1 created: 6 keys: lf.conf, crlf.ini, tab.conf');
  });

  it('are compared line by line', async () => {
    const changed = async (id: number): Promise<string[]> =>
      (await out(`show ${id}`)).split('\n').filter((line) => /^(?:[-+@])/.test(line));
    const show = await changed(2);
    assert.deepEqual(
      show.filter((line) => line.startsWith('@')).map((line) => line.replace(/.*@ /, '')),
      FILES.map((name) => `data["${name}"]`),
    );
    assert.deepEqual(
      show.filter((line) => !line.startsWith('@')),
      FILES.flatMap((name) =>
        name === 'crlf.ini'
          ? ['-    "option_040 = value 40\\r"', '+    "option_040 = changed by erin\\r"']
          : ['-    option_040 = value 40', '+    option_040 = changed by erin'],
      ),
    );
    assert.deepEqual(await changed(4), [
      '@@ -189,7 +189,7 @@ data["noeol.txt"]',
      '-    option_005 = value 5',
      '+    "option_005 = value 5 "',
    ]);
  });

  it('belong line by line to who changed them, and their heads to who made the keys', async () => {
    const after2 = await lines('cm conf -n shop --field data --at 2026-09-14T08:01:30Z');
    assert.equal(after2.length, 367);
    assert.deepEqual(
      after2.filter((line) => !line.startsWith('1 ')),
      FILES.map((name) =>
        name === 'crlf.ini' ? '2     "option_040 = changed by erin\\r"' : '2     option_040 = changed by erin',
      ),
    );
    const after3 = await lines('cm conf -n shop --field data --at 2026-09-14T08:02:30Z');
    const start = after3.indexOf('1   lf.conf: |');
    assert.ok(after3.slice(start + 1, start + 61).every((line) => /^3 {5}"option_.*\\r"$/.test(line)));
    assert.equal(after3.filter((line) => line.startsWith('3 ')).length, 60);
    const after4 = await lines('cm conf -n shop --field data');
    assert.deepEqual(
      after4.filter((line) => line.startsWith('4 ')),
      ['4     "option_005 = value 5 "'],
    );
    assert.ok(after4.includes('1   noeol.txt: |-'));
  });

  it('are exact YAML where YAML is asked for', async () => {
    const yaml = await out('cm conf -n shop --at 2026-09-14T08:04:00Z -o yaml');
    assert.match(yaml, /^ {2}crlf\.ini: "option_000 = value 0\\r\\n/m);
  });
});
