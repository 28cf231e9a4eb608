import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { useFolder } from '../../testing/folder.ts';
import { parseAddress, serverConfig } from './config.ts';
import type { RawServerOptions } from './options.ts';

const RAW: RawServerOptions = {
  db: 'a.db',
  cluster: 'c',
  skip: 'events,leases.coordination.k8s.io',
  listen: '127.0.0.1:8443',
  service: 'kubeblame',
  servicePort: '443',
  secret: 'kubeblame-tls',
  failurePolicy: 'Ignore',
  webhookTimeout: '1',
  gatewaySecret: 'kubeblame-gateway-tls',
  tlsCert: 'tls.crt',
  tlsKey: 'tls.key',
  readListen: '127.0.0.1:8444',
  webhookConfiguration: 'kubeblame',
  checkpointMinutes: '10',
  retainEvents: '30d',
  retainEventsSize: '256Mi',
  logLevel: 'info',
};

describe('configuration', () => {
  const file = useFolder();
  const fails = (raw: Partial<RawServerOptions>, message: RegExp): Promise<void> =>
    assert.rejects(serverConfig({ ...RAW, ...raw }, false), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });

  it('keeps the key beside the ledger', async () => {
    assert.equal((await serverConfig(RAW, false)).keyFile, 'a.db.key');
    assert.equal((await serverConfig({ ...RAW, keyFile: 'k' }, false)).keyFile, 'k');
  });

  it('reads what is kept of Events', async () => {
    const read = async (more: Partial<RawServerOptions>): Promise<unknown> => (await serverConfig({ ...RAW, ...more }, false)).events; // prettier-ignore
    assert.deepEqual(await read({}), { ageMs: 30 * 24 * 3_600_000, bytes: 2 ** 28 });
    assert.deepEqual(await read({ retainEvents: '12h', retainEventsSize: '1Gi' }), { ageMs: 12 * 3_600_000, bytes: 2 ** 30 }); // prettier-ignore
    assert.equal(await read({ retainEvents: 'none' }), null);
    await fails(
      { retainEvents: '30' },
      /^--retain-events \(KUBEBLAME_RETAIN_EVENTS\): "30" is not like 30d or 12h, or none$/,
    );
    await fails({ retainEventsSize: '1G' }, /^--retain-events-size .*: "1G" is not like 256Mi or 1Gi$/);
  });

  it('reads addresses', async () => {
    const parse = (text: string): unknown => parseAddress(text, '--listen', 'KUBEBLAME_LISTEN');
    assert.deepEqual(parse(':8443'), { host: '0.0.0.0', port: 8443 });
    assert.deepEqual(parse('[::1]:1'), { host: '::1', port: 1 });
    assert.deepEqual(parse('localhost:0'), { host: 'localhost', port: 0 });
    for (const bad of ['8443', 'host:', 'host:99999', '::1:80', 'host:8443x', ''])
      assert.throws(() => parse(bad), /--listen \(KUBEBLAME_LISTEN\)/, bad);
  });

  it('refuses to show the read API to other machines without a token', async () => {
    await fails(
      { readListen: '0.0.0.0:8444' },
      /^--read-listen \(KUBEBLAME_READ_LISTEN\): 0\.0\.0\.0:8444 can be reached from other machines/,
    );
    await fails({ readListen: '127.example.com:8444' }, /can be reached/);
    writeFileSync(file('token'), 'a-token-that-is-long-enough\n');
    assert.equal(
      (await serverConfig({ ...RAW, readListen: '0.0.0.0:8444', readTokenFile: file('token') }, false)).readToken,
      'a-token-that-is-long-enough',
    );
  });

  it('lets nobody from another machine add to the ledger who does not prove to be the API server', async () => {
    await fails(
      { listen: '0.0.0.0:8443' },
      /^--listen \(KUBEBLAME_LISTEN\): whoever reaches 0\.0\.0\.0:8443 could add to the ledger: give --path-secret-file/,
    );
    const { listen: _, ...unsaid } = RAW;
    assert.deepEqual((await serverConfig(unsaid, false)).listen, { host: '127.0.0.1', port: 8443 });
    assert.deepEqual((await serverConfig({ ...unsaid, clientCa: 'ca.crt' }, false)).listen, {
      host: '0.0.0.0',
      port: 8443,
    });
  });

  it('names the option, the variable and what was expected', async () => {
    await fails({ skip: 'Events' }, /^--skip \(KUBEBLAME_SKIP\): "Events" is not RESOURCE\.GROUP/);
    await fails(
      { checkpointConfigmap: 'x' },
      /^--checkpoint-configmap \(KUBEBLAME_CHECKPOINT_CONFIGMAP\): "x" is not NAMESPACE\/NAME$/,
    );
    await fails({ checkpointMinutes: '0' }, /^--checkpoint-minutes .*: "0" is not a number of minutes from 1 to 1440$/);
    await fails({ cluster: '' }, /^--cluster \(KUBEBLAME_CLUSTER\): the name is empty$/);
    await fails({ readTokenFile: file('none') }, /^--read-token-file \(KUBEBLAME_READ_TOKEN_FILE\): ENOENT/);
    writeFileSync(file('short'), 'abc');
    await fails({ readTokenFile: file('short') }, /holds 3 characters, a token has at least 16$/);
    await fails(
      { otlpEndpoint: 'collector:4318' },
      /^--otlp-endpoint \(OTEL_EXPORTER_OTLP_ENDPOINT\): "collector:4318" is not an http:\/\/ or https:\/\/ URL/,
    );
    const stream = (what: string): RegExp => new RegExp(`^--stream \\(KUBEBLAME_STREAM\\): ${what}`);
    await fails({ stream: 'otlp' }, stream('otlp needs a collector: give --otlp-endpoint$'));
    for (const target of ['commits.ndjson', 'http://siem.example.com/', 'ftp://siem/'])
      await fails({ stream: target }, stream(`"${target}" is not an absolute path, an https:// URL, or otlp$`));
    await fails({ config: file('none.yaml') }, /^the configuration file .* cannot be read: ENOENT/);
  });
});
