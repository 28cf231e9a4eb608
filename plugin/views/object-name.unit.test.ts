import assert from 'node:assert/strict';
import { WEB } from '../testing/changes.ts';
import { PIPE } from '../testing/style.ts';
import { Incarnations, objectName, objectTitle } from './object-name.ts';

const CLUSTER_ROLE = { group: 'rbac.authorization.k8s.io', resource: 'clusterroles', kind: 'ClusterRole' };

describe('an object’s name', () => {
  it('is kubectl’s', () => {
    assert.equal(objectName(WEB, PIPE), 'deployment/web');
    assert.equal(objectTitle(WEB, PIPE), 'deployment shop/web');
    assert.equal(objectTitle({ ...CLUSTER_ROLE, namespace: '', name: 'admin', uid: '' }, PIPE), 'clusterrole admin');
    assert.equal(objectName({ ...WEB, name: 'x\u001b[2J' }, PIPE), 'deployment/x\\e[2J');
  });

  it('has the beginning of the uid only where two objects had it', () => {
    const again = { ...WEB, uid: '0badcafe-0000' };
    const api = { ...WEB, name: 'api' };
    const incarnations = new Incarnations([WEB, again, api, WEB], PIPE);
    assert.equal(incarnations.ambiguous, 1);
    assert.deepEqual(
      [WEB, again, api].map((object) => incarnations.label(object)),
      ['deployment/web@6dc322c9', 'deployment/web@0badcafe', 'deployment/api'],
    );
  });

  it('has as much of the uid as tells them apart', () => {
    const objects = ['11111111-aaaa', '11111111-bbbb', ''].map((uid) => ({ ...WEB, uid }));
    const incarnations = new Incarnations(objects, PIPE);
    assert.deepEqual(
      objects.map((object) => incarnations.label(object)),
      ['deployment/web@11111111-a', 'deployment/web@11111111-b', 'deployment/web@?'],
    );
  });
});
