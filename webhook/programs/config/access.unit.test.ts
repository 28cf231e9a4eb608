import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { useFolder } from '../../testing/folder.ts';
import { accessConfig, type RawAccessOptions } from './access.ts';
import { gatewayConfig, type RawGatewayOptions } from '../gateway/config.ts';

describe('who may read', () => {
  const file = useFolder();
  const TOKEN = 'a-token-of-enough-characters';
  const withToken = (more: RawAccessOptions = {}): RawAccessOptions => {
    writeFileSync(file('token'), TOKEN);
    return { readTokenFile: file('token'), ...more };
  };

  it('is decided by the cluster in a pod, by the token where there is one, and by nobody otherwise', () => {
    const nobody = { readToken: null, accessCluster: null, gatewayUser: null };
    assert.deepEqual(accessConfig({}, true, 'in-cluster'), { ...nobody, accessCluster: 'in-cluster' });
    assert.deepEqual(accessConfig(withToken(), false, { file: 'k' }), { ...nobody, readToken: TOKEN });
    assert.deepEqual(accessConfig({}, false, { file: 'k' }), nobody);
    assert.deepEqual(accessConfig({ readAccess: 'cluster', gatewayUser: 'g' }, false, { file: 'k' }), {
      ...{ readToken: null, accessCluster: { file: 'k' } },
      gatewayUser: 'g',
    });
  });

  it('needs what it relies on, and refuses what nobody asks for', () => {
    const fails = (raw: RawAccessOptions, message: RegExp): void => {
      assert.throws(() => accessConfig(raw, false, null), { code: 'config-invalid', message });
    };
    fails({ readAccess: 'cluster' }, /^--read-access \(KUBEBLAME_READ_ACCESS\): cluster needs --kubeconfig/);
    fails({ readAccess: 'token' }, /token needs --read-token-file$/);
    fails(withToken({ readAccess: 'open' }), /open and --read-token-file exclude each other$/);
    fails({ gatewayUser: 'g' }, /^--gateway-user \(KUBEBLAME_GATEWAY_USER\): only --read-access cluster knows users$/);
  });
});

describe('configuration of the gateway', () => {
  const RAW: RawGatewayOptions = {
    ...{ listen: ':8445', tlsCert: 'a', tlsKey: 'b', upstream: 'https://ledger:8444', upstreamCa: 'c', tokenFile: 'd' },
    ...{ service: 'kubeblame-gateway', namespace: 'audit' },
    logLevel: 'info',
  };

  it('knows the ledger by an https URL, and a cluster', () => {
    const { upstream, cluster, listen } = gatewayConfig(RAW, true);
    assert.deepEqual([upstream.url.href, cluster, listen.port], ['https://ledger:8444/', 'in-cluster', 8445]);
    assert.deepEqual(gatewayConfig(RAW, true).place, {
      namespace: 'audit',
      service: 'kubeblame-gateway',
      pod: hostname(),
    });
    assert.equal(gatewayConfig({ ...RAW, kubeconfig: 'k' }, false).place, null);
    assert.throws(() => gatewayConfig(RAW, false), {
      code: 'config-invalid',
      message: /^--kubeconfig .*needed outside/,
    });
    assert.throws(() => gatewayConfig({ ...RAW, upstream: 'http://ledger' }, true), {
      code: 'config-invalid',
      message: /^--upstream \(KUBEBLAME_UPSTREAM\): "http:\/\/ledger" is not an https:/,
    });
  });
});
