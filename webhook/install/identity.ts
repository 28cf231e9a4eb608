import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Generations } from '../../certs/generations.ts';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import type { JsonObject } from '../../shared/types.ts';
import type { Credentials } from '../record/gate/thread/gate-messages.ts';
import type { ConfigMapName } from '../ledger/publish/config-map.ts';
import type { CallerProof } from '../record/gate/endpoint/callers.ts';
import type { Predicates } from '../record/rules/predicates.ts';
import type { ApiServerNetworks } from './cluster/api-servers.ts';
import type { Registration } from './registration/registration.ts';
import type { KubeApiClient } from '../platform/kubernetes/api-client.ts';
import { readCertificate, watchCertificate, type CertificateFiles, type ServingPair } from '../platform/http/tls.ts';
import { matchConditions } from './registration/match-conditions.ts';
import type { Registrar } from './registration/registrar.ts';

/** What of the configuration is about the server's place in a cluster. */
export interface InstallConfig {
  /** null: the server makes its own. */
  tls: CertificateFiles | null;
  /** null: somebody else registers the webhook. */
  registration: Registration | null;
  callers: CallerProof;
  /** null: reviews from elsewhere are recorded too, and named in the log. */
  apiServers: ApiServerNetworks | null;
}

/** What besides decides how the server registers itself. */
export interface IdentityConfig extends InstallConfig {
  predicates: Predicates;
  /** Name of our ValidatingWebhookConfiguration. */
  webhookConfiguration: string;
  /** Where signed checkpoints are published; null: nowhere in the cluster. */
  checkpointConfigMap: ConfigMapName | null;
}

/** What the server proves itself with, and how it knows its callers. */
export interface Identity {
  readonly serving: ServingPair;
  /** The same for the admission endpoint, with what it asks of a client. */
  readonly proof: Credentials;
  /** What is wrong with a webhook configuration that we made, '' for nothing; undefined where somebody else makes it. */
  readonly judge: ((configuration: JsonObject) => string) | undefined;
  /** Puts our webhook configuration right now: the watch shows that it is not. */
  repair(): void;
  /**
   * Registers the server once it is ready, and tells when what to serve with has changed: `changed` resolves when that is
   * served. Resolves after the first try.
   */
  start(isReady: () => Promise<boolean>, changed: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens what the configuration says: certificate files or own certificates, a registration or none. Rejects with
 * config-invalid. Own certificates come from the cluster, and are waited for.
 */
export async function openIdentity(
  config: IdentityConfig,
  api: KubeApiClient | null,
  log: Logger,
  now: () => number,
): Promise<Identity> {
  const files = config.tls;
  const pair = files === null ? null : readCertificate(files);
  const registrar = await openRegistrar(config, api, log, now);
  const pathSecrets = (): string[] => {
    if (config.callers.by !== 'path') return [];
    if (registrar !== null) return registrar.pathSecrets;
    return config.callers.secret === null ? [] : [config.callers.secret];
  };
  const servingOf = (generations: Generations | undefined): ServingPair => {
    const own = generations?.current.serving;
    if (pair !== null) return pair;
    // isUsable has seen to it.
    if (own === null || own === undefined) throw new Error('a generation without a certificate');
    return { cert: own.certificate, key: own.privateKey };
  };
  const client = clientTls(config);
  let serving = servingOf(registrar?.generations);
  let unwatch = (): void => undefined;
  return {
    get serving() {
      return serving;
    },
    get proof() {
      return { tls: { ...serving, ...client }, pathSecrets: pathSecrets() };
    },
    repair: () => registrar?.hurry(),
    judge: registrar === null ? undefined : (configuration) => registrar.judge(configuration),
    start: async (isReady, changed) => {
      if (files !== null && pair !== null) {
        unwatch = watchCertificate(
          files,
          pair,
          (renewed) => {
            serving = renewed;
            void changed().then(() => log.info({ cert: files.cert }, 'certificate reloaded'));
          },
          (error) => log.error({ cert: files.cert, reason: messageOf(error) }, 'certificate not reloaded'),
        );
      }
      await registrar?.start(isReady, (generations) => {
        if (files === null) serving = servingOf(generations);
        return changed();
      });
    },
    close: async () => {
      unwatch();
      await registrar?.close();
    },
  };
}

async function openRegistrar(
  config: IdentityConfig,
  client: KubeApiClient | null,
  log: Logger,
  now: () => number,
): Promise<Registrar | null> {
  const { registration } = config;
  if (registration === null) return null;
  if (client === null) throw new KubeblameError('config-invalid', '--register needs a cluster: give --kubeconfig');
  // Loaded only here: what it makes certificates with takes ten megabytes.
  const { Registrar } = await import('./registration/registrar.ts');
  return Registrar.open({
    client,
    registration,
    configuration: config.webhookConfiguration,
    usesPath: config.callers.by === 'path',
    matchConditions: matchConditions(config.predicates),
    configMaps: ownConfigMaps(config),
    authority: registration.tlsCa === null ? null : lastReadable(registration.tlsCa),
    log,
    now,
    elapsed: () => performance.now(),
  });
}

function ownConfigMaps({ checkpointConfigMap: map, registration }: IdentityConfig): string[] {
  return map !== null && map.namespace === registration?.namespace ? [map.name] : [];
}

/** The file's text, read anew each time; while it cannot be read, what it last was. Throws config-invalid at first. */
function lastReadable(path: string): () => string {
  let text = readOption(path, '--tls-ca');
  return () => {
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      // In the middle of a replacement.
    }
    return text;
  };
}

/** Who has no certificate can still ask for /livez: so the handshake does not refuse, but the webhook's path does. */
function clientTls({ callers }: IdentityConfig): Pick<Credentials['tls'], 'requestCert' | 'rejectUnauthorized' | 'ca'> {
  if (callers.by !== 'certificate') return {};
  return { requestCert: true, rejectUnauthorized: false, ca: Buffer.from(readOption(callers.ca, '--client-ca')) };
}

function readOption(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeblameError('config-invalid', `${option}: ${path} cannot be read: ${messageOf(error)}`);
  }
}
