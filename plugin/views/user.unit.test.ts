import assert from 'node:assert/strict';
import { expandUser, isMachine, shortUser } from './user.ts';

const SHORT: [string, string][] = [
  ['system:serviceaccount:kube-system:deployment-controller', 'deployment-controller'],
  ['system:serviceaccount:shop:ci-bot', 'sa:shop/ci-bot'],
  ['system:serviceaccount:kube-system:my-operator', 'sa:kube-system/my-operator'],
  ['system:node:node-2', 'node:node-2'],
  ['system:kube-scheduler', 'kube-scheduler'],
  ['alice@example.com', 'alice@example.com'],
  ['system:anonymous', 'system:anonymous'],
];

describe('shortUser', () => {
  it('shortens what Kubernetes reserves, and only that', () => {
    for (const [username, short] of SHORT) assert.equal(shortUser(username), short);
  });

  it('does not let a user pass for a controller', () => {
    assert.equal(shortUser('deployment-controller'), '"deployment-controller"');
    assert.equal(shortUser('sa:shop/ci-bot'), '"sa:shop/ci-bot"');
    assert.equal(shortUser('node:node-2'), '"node:node-2"');
    // A controller's name in another namespace is somebody else's.
    assert.equal(shortUser('system:serviceaccount:shop:deployment-controller'), 'sa:shop/deployment-controller');
  });

  it('escapes control characters', () => {
    assert.equal(shortUser('eve\u001b[2J'), 'eve\\e[2J');
  });
});

describe('expandUser', () => {
  it('understands what tables show', () => {
    for (const [username] of SHORT) assert.equal(expandUser(shortUser(username)), username);
    assert.equal(expandUser(shortUser('deployment-controller')), 'deployment-controller');
  });
});

describe('isMachine', () => {
  it('knows the reserved prefix', () => {
    assert.equal(isMachine('system:serviceaccount:shop:ci-bot'), true);
    assert.equal(isMachine('systematic@example.com'), false);
  });
});
