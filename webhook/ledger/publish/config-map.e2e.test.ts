import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { useCluster } from '../../testing/cluster/cluster.ts';
import { register } from '../../testing/cluster/registration.ts';
import { TestServer, until } from '../../testing/server/server.ts';
import { readCheckpoint, splitNotes } from '../proof/checkpoint.ts';
import { readVerifiers } from './signing-keys.ts';

describe('the newest checkpoint on a real API server', function () {
  this.timeout(120_000);
  const cluster = useCluster();
  let server: TestServer | undefined;
  after(() => server?.stop());

  it('is kept in a config map, also while each of its changes is reviewed by us', async () => {
    server = await TestServer.start((name) => cluster().file(name), {
      kubeconfig: { file: cluster().kubeconfig('admin') },
      checkpointConfigMap: { namespace: 'default', name: 'kubeblame-checkpoint' },
      checkpointEveryMs: 300,
    });
    await register(cluster(), server);
    const { db } = server.config;
    const get = ['get', 'configmap', 'kubeblame-checkpoint', '--ignore-not-found', '-o', 'jsonpath={.data.checkpoint}'];
    const published = new Set<string>();
    await until(
      'several were published',
      async () => published.add(await cluster().kubectl('admin', get)).size > 3,
      60_000,
    );
    published.delete('');
    const signed = splitNotes(readFileSync(`${db}.checkpoints`, 'utf8'));
    const verifiers = readVerifiers(`${db}.signing-key.pub`);
    for (const note of published) {
      assert.ok(signed.includes(note));
      assert.equal(readCheckpoint(note, verifiers)?.by?.text, verifiers[0]?.text);
    }
    assert.deepEqual(
      server.log.filter(({ msg }) => msg === 'checkpoint not published'),
      [],
    );
  });
});
