import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { useFolder } from '../webhook/testing/folder.ts';
import { currentNamespace } from './kubeconfig.ts';

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
