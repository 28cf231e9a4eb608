import assert from 'node:assert/strict';
import { ROUTES } from '../../../shared/api.ts';
import { nodeText } from '../../../shared/testing/node-text.ts';
import type { GraphPage, ImpactPage, JsonObject } from '../../../shared/types.ts';
import { viewGrant } from '../../testing/api-server/fake-reviews.ts';
import { useFolder } from '../../testing/folder.ts';
import { ALICE, BOB, ReadAccessTest } from '../../testing/server/read-access.ts';

const AT = Date.UTC(2100, 0, 1);

/** A Deployment that reads a Secret. */
function reading(secret: string): JsonObject {
  return { spec: { template: { spec: { containers: [{ name: 'c', envFrom: [{ secretRef: { name: secret } }] }] } } } };
}

describe('the graph that a reader may see', function () {
  this.timeout(60_000);
  const file = useFolder();
  let test: ReadAccessTest;
  beforeEach(async () => {
    test = await ReadAccessTest.start(file);
    await test.recordNamespace('shop', 'ns-shop');
    await test.recordNamespace('bank', 'ns-bank');
    await test.record({ name: 'there', resource: 'secrets', kind: 'Secret', body: { data: { p: 'cGFzcw==' } } });
    for (const secret of ['there', 'absent']) {
      const [name, resource, kind, group] = [`uses-${secret}`, 'deployments', 'Deployment', 'apps'];
      await test.record({ name, resource, kind, group, body: reading(secret) });
    }
    await test.record({ namespace: 'bank', name: 'vault', resource: 'deployments', kind: 'Deployment', group: 'apps', body: reading('there') }); // prettier-ignore
    test.api.reviews.grants.push(...viewGrant('alice', 'shop'));
  });
  afterEach(() => test.stop());

  async function graphOf(user: string): Promise<{ edges: string[]; nodes: string[]; denied: string[] }> {
    const reply = await test.as(user, `${ROUTES.graph}?at=${AT}`);
    assert.equal(reply.status, 200, reply.text);
    const { nodes, edges, denied = [] } = reply.json() as unknown as GraphPage;
    return {
      edges: edges.map(({ from, to, missing }) => `${nodeText(nodes[from])} uses ${nodeText(nodes[to])} ${missing ?? ''}`).sort(), // prettier-ignore
      nodes: nodes.map((node) => `${nodeText(node)} ${node.is === 'object' && node.seen ? 'seen' : ''}`).sort(),
      denied,
    };
  }

  it('is another one for each: a Secret that one may not read looks like one that does not exist', async () => {
    const [alice, bob] = [await graphOf(ALICE), await graphOf(BOB)];
    assert.deepEqual(bob.edges, [
      'deployment bank/vault uses secret bank/there object',
      'deployment shop/uses-absent uses secret shop/absent object',
      'deployment shop/uses-there uses secret shop/there ',
    ]);
    assert.deepEqual(alice.edges, [
      'deployment shop/uses-absent uses secret shop/absent object',
      'deployment shop/uses-there uses secret shop/there object',
    ]);
    assert.deepEqual(alice.nodes, [
      'deployment shop/uses-absent seen',
      'deployment shop/uses-there seen',
      'namespace /shop seen',
      'secret shop/absent ',
      'secret shop/there ',
    ]);
    assert.ok(alice.denied.includes('secrets'));
    assert.deepEqual(bob.denied, []);
  });

  it('tells of the loss of a Secret that one may not read what it tells of one that does not exist', async () => {
    const impacts = [];
    for (const name of ['there', 'absent']) {
      const reply = await test.as(ALICE, `${ROUTES.impact}?at=${AT}&resource=secrets&namespace=shop&name=${name}&blow=gone`); // prettier-ignore
      const text = reply.text.replaceAll(name, 'NAME');
      assert.equal((JSON.parse(text) as ImpactPage).reached.length, 1);
      impacts.push(text);
    }
    assert.equal(impacts[0], impacts[1]);
  });
});
