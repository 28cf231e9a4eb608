import assert from 'node:assert/strict';
import type { JsonObject } from '../../../shared/types.ts';
import { ApiStatusError, type ApiClient } from '../../platform/kubernetes/api-client.ts';
import { clusterName, clusterNameWhenThere } from './cluster-name.ts';

const SYSTEM = { items: [{ metadata: { name: 'kube-system', uid: '0b7c1f4e-8a44-4a8e-9d53-5c8b7f0f9a11' } }] };

function cluster(configuration: string | null, namespaces: JsonObject = SYSTEM): ApiClient {
  const maps = configuration === null ? [] : [{ data: { ClusterConfiguration: configuration } }];
  return {
    get: (path) => {
      if (path === '/api/v1/namespaces?fieldSelector=metadata.name%3Dkube-system') return Promise.resolve(namespaces);
      assert.equal(path, '/api/v1/namespaces/kube-system/configmaps?fieldSelector=metadata.name%3Dkubeadm-config');
      return Promise.resolve({ items: maps });
    },
    list: notAsked,
    watch: notAsked,
  };
}

function notAsked(): never {
  throw new Error('not asked');
}

describe('the name of a cluster that nobody has named', () => {
  const { signal } = new AbortController();

  it("is kubeadm's, where somebody has chosen one there", async () => {
    assert.equal(await clusterName(cluster('apiVersion: x\nclusterName: "prod-eu"\n'), signal), 'prod-eu');
    assert.equal(await clusterName(cluster('clusterName: prod.eu-1'), signal), 'prod.eu-1');
  });

  it('is otherwise the uid of kube-system, which no two clusters share', async () => {
    for (const configuration of [null, '', 'clusterName: kubernetes\n', 'clusterName: "a b"'])
      assert.equal(await clusterName(cluster(configuration), signal), 'cluster-0b7c1f4e', String(configuration));
  });

  it('is kubernetes where the server may see neither: it starts all the same', async () => {
    assert.equal(await clusterName(cluster(null, { items: [] }), signal), 'kubernetes');
    const refusing = { ...cluster(null), get: () => Promise.reject(new ApiStatusError(403, 'forbidden')) };
    assert.equal(await clusterName(refusing, signal), 'kubernetes');
  });

  it('is waited for where the API server does not answer yet, and not made up', async () => {
    const reasons: string[] = [];
    const client: ApiClient = {
      ...cluster(null),
      get: (path, given) =>
        reasons.length === 0 ? Promise.reject(new ApiStatusError(503, 'not yet')) : cluster(null).get(path, given),
    };
    const failed = (reason: string): void => void reasons.push(reason);
    assert.equal(await clusterNameWhenThere(client, 1, failed), 'cluster-0b7c1f4e');
    assert.deepEqual(reasons, ['not yet']);
  });
});
