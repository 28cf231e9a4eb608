import assert from 'node:assert/strict';
import { ROUTES } from '../../../../shared/api.ts';
import type { Change, KnownObject } from '../../../../shared/types.ts';
import { viewGrant } from '../../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../../testing/folder.ts';
import { ALICE, ReadAccessTest } from '../../../testing/server/read-access.ts';
import type { Reply } from '../../../testing/server/server.ts';

const { changes: CHANGES } = ROUTES;

const names = (reply: Reply): string[] =>
  (reply.json() as unknown as { changes: Change[] }).changes.map(
    ({ object }) => `${object.namespace}/${object.resource}/${object.name}`,
  );

describe('what was in a namespace before', () => {
  const file = useFolder();

  it('needs the right in the whole cluster, also where the name is used again', async () => {
    const test = await ReadAccessTest.start(file);
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'), ...viewGrant('carol'));
    test.api.reviews.tokens.set('carol', { user: { username: 'carol', groups: [] }, audiences: ['kubeblame'] });
    await test.recordNamespace('shop', 'first');
    await test.record({ name: 'old' });
    await test.record({ name: 'old', operation: 'DELETE' });
    assert.deepEqual(names(await test.as(ALICE, `${CHANGES}?namespace=shop`)), [
      'shop/configmaps/old',
      'shop/configmaps/old',
    ]);
    await test.recordNamespace('shop', 'first', 'DELETE');
    assert.deepEqual(names(await test.as(ALICE, `${CHANGES}?namespace=shop`)), []);
    assert.equal(names(await test.as('carol', `${CHANGES}?namespace=shop`)).length, 2);
    await new Promise((resolve) => setTimeout(resolve, 5)); // the next incarnation begins later
    await test.recordNamespace('shop', 'second');
    await test.record({ name: 'new' });
    assert.deepEqual(names(await test.as(ALICE, `${CHANGES}?namespace=shop`)), ['shop/configmaps/new']);
    assert.equal(names(await test.as('carol', `${CHANGES}?namespace=shop`)).length, 3);
    const [newest, oldest] = [`${ROUTES.objects}?resource=namespaces`, `${CHANGES}?resource=configmaps&name=old`];
    assert.deepEqual(
      ((await test.as(ALICE, newest)).json() as unknown as KnownObject[]).map(({ object }) => object.uid),
      ['second'],
    );
    assert.deepEqual(names(await test.as(ALICE, oldest)), []);
    await test.stop();
  });
});
