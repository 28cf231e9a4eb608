import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { useFolder } from '../../testing/folder.ts';
import { installConfig, type RawInstallOptions } from './install.ts';
import type { InstallConfig } from '../../install/identity.ts';
import { REGISTRATION_TIMING } from '../../install/registration/registration.ts';

const DEFAULTS = {
  ...{ service: 'kubeblame', servicePort: '443', secret: 'kubeblame-tls', gatewaySecret: 'kubeblame-gateway-tls' },
  ...{ failurePolicy: 'Ignore' as const, webhookTimeout: '1' },
};
const FILES = { tlsCert: 'tls.crt', tlsKey: 'tls.key' };
const POD = { inCluster: true, hasKubeconfig: false };
const OUTSIDE = { inCluster: false, hasKubeconfig: false };

describe('the options of an installation', () => {
  const file = useFolder();
  const read = (raw: Partial<RawInstallOptions>, context = OUTSIDE): InstallConfig =>
    installConfig({ ...DEFAULTS, ...raw }, context);
  const fails = (raw: Partial<RawInstallOptions>, context: typeof POD, message: string): void => {
    assert.throws(() => read(raw, context), { code: 'config-invalid', message });
  };

  it('make it register itself in a pod, with certificates and a path of its own', () => {
    assert.deepEqual(read({ namespace: 'audit' }, POD), {
      tls: null,
      callers: { by: 'path', secret: null },
      apiServers: null,
      registration: {
        namespace: 'audit',
        service: 'kubeblame',
        servicePort: 443,
        secret: 'kubeblame-tls',
        tlsCa: null,
        gatewayService: null,
        gatewaySecret: 'kubeblame-gateway-tls',
        webhook: { failurePolicy: 'Ignore', timeoutSeconds: 1, namespaceSelector: {}, objectSelector: {} },
        timing: REGISTRATION_TIMING,
      },
    });
  });

  it('make it need certificate files elsewhere, and open to whoever reaches it', () => {
    const tls = { cert: 'tls.crt', key: 'tls.key' };
    assert.deepEqual(read(FILES), { tls, callers: { by: 'nothing' }, apiServers: null, registration: null });
    fails({}, OUTSIDE, '--tls-cert (KUBEBLAME_TLS_CERT): is missing, and so is --tls-key: make both with `make certs`');
    fails({ tlsCert: 'a' }, POD, '--tls-key (KUBEBLAME_TLS_KEY): is missing: a certificate and its key go together');
    fails({ tlsKey: 'a' }, POD, '--tls-cert (KUBEBLAME_TLS_CERT): is missing: a certificate and its key go together');
  });

  it('say from where reviews may come: networks, addresses, and those that the cluster names', () => {
    const networks = (apiServerCidrs: string, context = POD): unknown =>
      read({ ...FILES, register: false, apiServerCidrs }, context).apiServers;
    assert.deepEqual(networks('10.0.0.0/8, fd00::/8,192.0.2.7'), {
      networks: ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'],
      endpoints: false,
    });
    assert.deepEqual(networks('endpoints,10.0.0.1/32'), { networks: ['10.0.0.1/32'], endpoints: true });
    const name = '--api-server-cidrs (KUBEBLAME_API_SERVER_CIDRS)';
    for (const bad of [
      '',
      'x',
      '10.0.0.0/33',
      '10.0.0/8',
      '10.0.0.0/',
      '::/129',
      '1.2.3.4/8/8',
      'fe80::1%eth0',
      '10.0.0.0/8,',
    ]) {
      const shown = bad === '10.0.0.0/8,' ? '' : bad;
      const what = `"${shown}" is neither an address nor a network such as 10.0.0.0/8, nor the word endpoints`;
      fails({ ...FILES, apiServerCidrs: bad }, OUTSIDE, `${name}: ${what}`);
    }
    fails(
      { ...FILES, apiServerCidrs: 'endpoints' },
      OUTSIDE,
      `${name}: there is no cluster that names endpoints: give --kubeconfig`,
    );
  });

  it('let somebody else register it in a pod, or it itself from outside', () => {
    assert.equal(read({ ...FILES, register: false }, POD).registration, null);
    const outside = read({ register: true }, { inCluster: false, hasKubeconfig: true });
    assert.equal(outside.registration?.namespace, 'kubeblame');
    fails({ register: true }, OUTSIDE, '--register: there is no cluster to register in: give --kubeconfig');
  });

  it('name the CA of certificate files where it registers itself', () => {
    const config = read({ ...FILES, tlsCa: 'ca.crt', namespace: 'audit' }, POD);
    assert.equal(config.registration?.tlsCa, 'ca.crt');
    fails(
      { ...FILES, namespace: 'audit' },
      POD,
      '--tls-ca (KUBEBLAME_TLS_CA): is missing: the webhook configuration needs the CA of --tls-cert',
    );
  });

  it('say how the API server proves to be it: by one thing', () => {
    writeFileSync(file('secret'), 'a-secret-that-is-long-enough\n');
    const pathSecretFile = file('secret');
    assert.deepEqual(read({ ...FILES, pathSecretFile }).callers, {
      by: 'path',
      secret: 'a-secret-that-is-long-enough',
    });
    assert.deepEqual(read({ ...FILES, clientCa: 'c' }).callers, { by: 'certificate', ca: 'c' });
    assert.deepEqual(read({ clientCa: 'c', namespace: 'audit' }, POD).callers, { by: 'certificate', ca: 'c' });
    const at = '--path-secret-file (KUBEBLAME_PATH_SECRET_FILE): ';
    fails(
      { ...FILES, clientCa: 'c', pathSecretFile },
      OUTSIDE,
      `${at}is not for use with --client-ca: the certificate is the proof`,
    );
    fails(
      { pathSecretFile },
      POD,
      `${at}is not for use with --register: the server makes its own secret, and renews it`,
    );
    for (const text of [
      'short',
      'With-Upper-Case-Letters',
      'with/a/slash/in/the/middle',
      'with a space in the middle',
      '%61'.repeat(10),
    ]) {
      writeFileSync(file('bad'), text);
      fails(
        { ...FILES, pathSecretFile: file('bad') },
        OUTSIDE,
        `${at}${file('bad')} must hold at least 16 lower-case letters, digits and "-": openssl rand -hex 32`,
      );
    }
  });

  it('say what becomes of requests without an answer, how long they wait, and which are sent', () => {
    const raw = {
      ...{ failurePolicy: 'Fail' as const, webhookTimeout: '10' },
      namespaceSelector: 'env in (prod,staging),!scratch',
      objectSelector: 'audit!=no',
    };
    assert.deepEqual(read({ ...raw, namespace: 'audit' }, POD).registration?.webhook, {
      failurePolicy: 'Fail',
      timeoutSeconds: 10,
      namespaceSelector: {
        matchExpressions: [
          { key: 'env', operator: 'In', values: ['prod', 'staging'] },
          { key: 'scratch', operator: 'DoesNotExist' },
        ],
      },
      objectSelector: { matchExpressions: [{ key: 'audit', operator: 'NotIn', values: ['no'] }] },
    });
    const at = { namespace: 'audit' };
    for (const webhookTimeout of ['0', '31', '1.5', 'soon', ''])
      fails(
        { ...at, webhookTimeout },
        POD,
        `--webhook-timeout (KUBEBLAME_WEBHOOK_TIMEOUT): "${webhookTimeout}" is not a number of seconds from 1 to 30`,
      );
    fails(
      { ...at, objectSelector: 'size>3' },
      POD,
      '--object-selector (KUBEBLAME_OBJECT_SELECTOR): a webhook configuration knows no "<" and ">"',
    );
    assert.throws(() => read({ ...at, namespaceSelector: 'a=' + 'b c' }, POD), {
      code: 'config-invalid',
      message: /^--namespace-selector \(KUBEBLAME_NAMESPACE_SELECTOR\): /,
    });
  });

  it('name a port', () => {
    for (const servicePort of ['0', '65536', 'https', ''])
      fails(
        { servicePort, namespace: 'audit' },
        POD,
        `--service-port (KUBEBLAME_SERVICE_PORT): "${servicePort}" is not a port`,
      );
  });
});
