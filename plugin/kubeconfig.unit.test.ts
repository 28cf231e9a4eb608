import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { useFolder } from '../webhook/testing/folder.ts';
import { currentNamespace, targetOf, type ClusterFlags, type Target } from './kubeconfig.ts';

describe('currentNamespace', () => {
  const file = useFolder();
  const write = (name: string, text: string): string => {
    writeFileSync(file(name), text);
    return file(name);
  };

  it('is that of the current context', () => {
    const contexts = 'contexts: [{name: a, context: {namespace: shop}}, {name: b, context: {cluster: c}}]';
    assert.equal(currentNamespace({ KUBECONFIG: write('a', `current-context: a\n${contexts}`) }), 'shop');
    assert.equal(currentNamespace({ KUBECONFIG: write('b', `current-context: b\n${contexts}`) }), 'default');
  });

  it('merges files as kubectl does: the first that says something wins', () => {
    const first = write('1', 'contexts: [{name: a, context: {namespace: one}}]');
    const second = write('2', 'current-context: a\ncontexts: [{name: a, context: {namespace: two}}]');
    assert.equal(currentNamespace({ KUBECONFIG: [first, file('none'), second].join(delimiter) }), 'one');
  });

  it('is `default` where nothing can be read', () => {
    for (const text of ['', '[]', 'current-context: a', '{', 'contexts: 5']) {
      assert.equal(currentNamespace({ KUBECONFIG: write('odd', text) }), 'default', text);
    }
    assert.equal(currentNamespace({ KUBECONFIG: file('none') }), 'default');
  });
});

describe('targetOf', () => {
  const file = useFolder();
  const entry = (server: string, more: object = {}): object => ({
    clusters: [{ name: 'kubernetes', cluster: { server, 'certificate-authority': 'ca.pem' } }],
    users: [{ name: 'admin', user: { token: server } }],
    contexts: [{ name: server, context: { cluster: 'kubernetes', user: 'admin', namespace: server } }],
    ...more,
  });
  const write = (name: string, content: object | string): string => {
    writeFileSync(file(name), typeof content === 'string' ? content : JSON.stringify(content));
    return file(name);
  };
  const target = (paths: readonly string[], flags: ClusterFlags = {}): Target =>
    targetOf(flags, { KUBECONFIG: paths.join(delimiter) });
  const server = (paths: readonly string[], flags: ClusterFlags = {}): unknown => target(paths, flags).cluster.server;

  it('takes the first file that has a name, and all of its entry', () => {
    const [one, two] = [
      write('one', entry('one', { 'current-context': 'one' })),
      write('two', entry('two', { 'current-context': 'two' })),
    ];
    assert.deepEqual(target([one, two]).user, { token: 'one' });
    assert.equal(server([one, two], { context: 'two' }), 'one', 'the cluster of this name in the first file');
    assert.equal(server([two, one]), 'two');
    assert.equal(server([one, one, '']), 'one');
    assert.equal(currentNamespace({ KUBECONFIG: [one, two].join(delimiter) }, { context: 'two' }), 'two');
    assert.equal(server([one], { kubeconfig: two }), 'two', '--kubeconfig comes before KUBECONFIG');
  });

  it('passes over files that are missing or empty, and current contexts that are', () => {
    const one = write('one', entry('one', { 'current-context': 'one' }));
    const other = { clusters: [], users: [], contexts: [] };
    assert.equal(server([file('none'), write('empty', ''), one]), 'one');
    assert.equal(server([write('blank', { ...other, 'current-context': '' }), one]), 'one');
    assert.equal(server([write('without', other), one]), 'one');
  });

  it('reads paths from the folder of their file', () => {
    const more = {
      'current-context': 'one',
      users: [
        {
          name: 'admin',
          user: { 'client-key': '../key.pem', tokenFile: '/abs/token', exec: { command: './login', args: ['./x'] } },
        },
      ],
    };
    const { cluster, user } = target([write('one', entry('one', more))]);
    assert.equal(cluster['certificate-authority'], file('ca.pem'));
    assert.deepEqual(user, {
      'client-key': resolve(file('..'), 'key.pem'),
      tokenFile: '/abs/token',
      exec: { command: file('login'), args: ['./x'] },
    });
    const onPath = { users: [{ name: 'admin', user: { exec: { command: 'aws' } } }], 'current-context': 'one' };
    assert.deepEqual(target([write('one', entry('one', onPath))]).user, { exec: { command: 'aws' } });
  });

  it('takes --cluster instead of that of the context', () => {
    const both = {
      clusters: [
        { name: 'a', cluster: { server: 'A' } },
        { name: 'b', cluster: { server: 'B' } },
      ],
    };
    const context = { contexts: [{ name: 'x', context: { cluster: 'a', user: '' } }], 'current-context': 'x' };
    const path = write('both', { ...both, ...context });
    assert.deepEqual([server([path]), server([path], { cluster: 'b' })], ['A', 'B']);
    assert.deepEqual(target([path]).user, {});
  });

  it('says what is missing', () => {
    const one = write('one', entry('one', { 'current-context': 'one' }));
    for (const [paths, flags, message] of [
      [[file('none')], {}, 'there is no kubeconfig'],
      [[one], { kubeconfig: file('none') }, `there is no file ${file('none')}`],
      [[one], { context: 'x' }, 'the kubeconfig has no context "x"'],
      [[one], { cluster: 'x' }, 'the kubeconfig has no cluster "x"'],
      [[write('empty', '')], {}, 'the kubeconfig has no current context with a cluster'],
    ] as const) {
      assert.throws(() => target(paths, flags), { message });
    }
    assert.throws(() => target([write('odd', 'a: [')]), { message: /odd is not YAML: / });
  });
});
