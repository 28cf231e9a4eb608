import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Generations } from '../../../certs/generations.ts';
import { messageOf } from '../../../shared/errors.ts';
import { metadataText } from '../../../shared/normalise.ts';
import type { Json, JsonObject } from '../../../shared/types.ts';
import type { Registration } from './registration.ts';
import { ApiStatusError, type ApiClient, type ApiWriter } from '../../platform/kubernetes/api-client.ts';
import { ApiServiceKeeper } from '../native-api/api-service.ts';
import { CONFIGURATIONS, faultOf, newConfiguration, repaired, type ConfigurationOptions } from './configuration.ts';
import { KeptCertificates, type KeptCertificatesOptions } from '../certificates/kept-certificates.ts';
import { ownUser, ownWorkload, ownWrites } from './own-objects.ts';
import { bundleOf } from '../certificates/secret.ts';
import { getIfThere, MANAGER } from '../certificates/stored-secret.ts';

export interface RegistrarOptions {
  client: ApiClient & ApiWriter;
  registration: Registration;
  /** Name of the ValidatingWebhookConfiguration. */
  configuration: string;
  /** Whether the path carries the secret. */
  usesPath: boolean;
  matchConditions: JsonObject[];
  /** Names of the ConfigMaps in the own namespace that the server writes. */
  configMaps: readonly string[];
  /** PEM of the CA, where the certificate comes from elsewhere: read again each time. */
  authority: (() => string) | null;
  log: Logger;
  now: () => number;
  /** ms from some moment, which no change of the clock moves. */
  elapsed: () => number;
}

/** Key of the gateways' Secret: the CA of the server that they pass requests on to. */
export const UPSTREAM_CA = 'upstream-ca.crt';

/** So long after one comparison the next may follow: somebody who takes the configuration away each time must not keep us busy. */
const HURRY_MS = 250;

/** What is kept for the gateways of the native API. */
interface Gateways {
  certificates: KeptCertificates;
  apiService: ApiServiceKeeper;
}

/**
 * Keeps in the cluster what lets the API server find and trust this server and its gateways: Secrets with certificates,
 * the webhook configuration, and the APIService while gateways answer. Compares, and repairs. The webhook configuration
 * is never withdrawn: what is sent while the server restarts is answered by the next one, or goes on unrecorded.
 */
export class Registrar {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  /** When the last comparison ended (ms of `elapsed`), and whether the next one is wanted at once. */
  private comparedAt = -Infinity;
  private hurried = false;
  private readonly stop = new AbortController();
  private isReady = (): Promise<boolean> => Promise.resolve(false);
  private registers = false;
  /** The webhooks that were written last, and what the API server made of them. */
  private written: { wanted: Json; as: Json } | null = null;
  private owner: JsonObject | null = null;
  private gateways: Gateways | null = null;
  private complaint = '';
  private listener: (generations: Generations) => Promise<void> = () => Promise.resolve();

  private constructor(
    private readonly options: RegistrarOptions,
    private readonly certificates: KeptCertificates,
    private readonly matchConditions: JsonObject[],
  ) {}

  /** Resolves with what to serve with, read from the cluster or made; waits for the API server as long as it takes. */
  static async open(options: RegistrarOptions): Promise<Registrar> {
    const { registration, log } = options;
    const { signal } = new AbortController();
    for (;;) {
      try {
        const certificates = await KeptCertificates.open(serverCertificates(options), signal);
        return new Registrar(options, certificates, [
          ...(await ownConditions(options, signal)),
          ...options.matchConditions,
        ]);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'waiting for the API server, for the certificates');
        await new Promise((resolve) => setTimeout(resolve, registration.timing.everyMs));
      }
    }
  }

  /** What counts as one in the webhook's path now. */
  get pathSecrets(): string[] {
    return this.certificates.pathSecrets;
  }

  get generations(): Generations {
    return this.certificates.generations;
  }

  /**
   * Keeps the Secret from now on, and the rest as soon as `isReady` has held once. `changed`: what to serve with. Resolves
   * after the first comparison, whatever that came to.
   */
  start(isReady: () => Promise<boolean>, changed: (generations: Generations) => Promise<void>): Promise<void> {
    this.isReady = isReady;
    this.listener = changed;
    return this.next();
  }

  /** Resolves when nothing of it runs any more. Everything in the cluster stays. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.stop.abort();
    await this.round;
  }

  /** What is wrong with a webhook configuration that the watch shows, '' for nothing: as coverage.ts wants to know. */
  judge(configuration: JsonObject): string {
    const { usesPath, authority } = this.options;
    if (this.written !== null && isDeepStrictEqual(configuration.webhooks, this.written.as)) return '';
    const paths = usesPath ? this.pathSecrets : [''];
    const serving = authority?.() ?? this.generations.current.serving?.authority ?? '';
    return faultOf(configuration, this.wanted(), paths, serving);
  }

  /** Compares at once, and not only when it is due: the watch shows that the configuration is not what it should be. */
  hurry(): void {
    this.hurried = true;
    // While a comparison is under way, the next one follows it.
    if (this.timer !== undefined) this.plan();
  }

  private next(): Promise<void> {
    this.timer = undefined;
    this.hurried = false;
    this.round = this.keep().then(() => {
      this.comparedAt = this.options.elapsed();
      this.plan();
    });
    return this.round;
  }

  private plan(): void {
    clearTimeout(this.timer);
    if (this.stop.signal.aborted) return;
    const { elapsed, registration } = this.options;
    const soon = Math.max(0, this.comparedAt + HURRY_MS - elapsed());
    this.timer = setTimeout(() => void this.next(), this.hurried ? soon : registration.timing.everyMs);
  }

  /** One comparison. Never rejects: the next one tries again. */
  private async keep(): Promise<void> {
    const { signal } = this.stop;
    try {
      if (await this.certificates.keep(signal)) await this.listener(this.generations);
      this.registers ||= await this.isReady();
      if (this.registers) {
        await this.keepConfiguration();
        this.certificates.noteRegistered();
        await this.keepGateways();
      }
      this.complaint = '';
    } catch (error) {
      const reason = messageOf(error);
      // Once, not every five seconds.
      if (!this.stop.signal.aborted && reason !== this.complaint)
        this.options.log.warn({ reason }, 'registration not kept, trying again');
      this.complaint = reason;
    }
  }

  private async keepConfiguration(): Promise<void> {
    const { client, configuration, log } = this.options;
    const { signal } = this.stop;
    const path = `${CONFIGURATIONS}/${configuration}`;
    const owner = await this.ownerOf();
    const wanted = this.wanted();
    const found = await getIfThere(client, path, signal);
    const repair = found === null ? newConfiguration(wanted, owner) : repaired(found, wanted, owner);
    if (repair === null || this.isAsWritten(found, repair)) return;
    const as = await (found === null
      ? client.post(`${CONFIGURATIONS}?${MANAGER}`, repair, signal)
      : client.put(`${path}?${MANAGER}`, repair, signal));
    log.info({ configuration, made: found === null }, 'webhook configuration written');
    if (!isDeepStrictEqual(as.webhooks, repair.webhooks))
      log.warn({ configuration }, 'the API server has changed the webhook configuration, which is left at that');
    this.written = { wanted: repair.webhooks ?? [], as: as.webhooks ?? [] };
  }

  /** Some API servers change what is written, such as by a selector of their own: to write it again helps nobody. */
  private isAsWritten(found: JsonObject | null, repair: JsonObject): boolean {
    return (
      found !== null &&
      this.written !== null &&
      isDeepStrictEqual(this.written.wanted, repair.webhooks) &&
      isDeepStrictEqual(this.written.as, found.webhooks)
    );
  }

  private async keepGateways(): Promise<void> {
    const { client, registration, log, elapsed } = this.options;
    const { namespace, gatewayService: service } = registration;
    const { signal } = this.stop;
    if (service === null) return;
    this.gateways ??= {
      certificates: await KeptCertificates.open(this.gatewayCertificates(service), signal),
      apiService: new ApiServiceKeeper({ client, namespace, service, log, elapsed }),
    };
    const { certificates, apiService } = this.gateways;
    await certificates.keep(signal);
    await apiService.keep(bundleOf(certificates.generations), signal);
    certificates.noteRegistered();
  }

  private gatewayCertificates(service: string): KeptCertificatesOptions {
    const { client, registration, log, now, elapsed } = this.options;
    const { namespace, gatewaySecret, timing } = registration;
    return {
      ...{ client, namespace, log, now, elapsed },
      secret: gatewaySecret,
      names: { dnsNames: [`${service}.${namespace}.svc`] },
      overlapMs: timing.overlapMs,
      more: () => ({ [UPSTREAM_CA]: this.wanted().caBundle }),
    };
  }

  /** The namespace owns the configuration: with it, that goes. Without the right to see it, it is left out. */
  private async ownerOf(): Promise<JsonObject | null> {
    const { client, registration } = this.options;
    if (this.owner !== null) return this.owner;
    try {
      const namespace = await client.get(`/api/v1/namespaces/${registration.namespace}`, this.stop.signal);
      const uid = metadataText(namespace, 'uid');
      this.owner = { apiVersion: 'v1', kind: 'Namespace', name: registration.namespace, uid };
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
    }
    return this.owner;
  }

  private wanted(): ConfigurationOptions {
    const { configuration, registration, usesPath, authority } = this.options;
    const { namespace, service, servicePort, webhook } = registration;
    // The newest path: the server takes the others too.
    const { pathSecret } = this.generations.next ?? this.generations.current;
    return {
      name: configuration,
      namespace,
      service,
      servicePort,
      pathSecret: usesPath ? pathSecret : '',
      caBundle: authority?.() ?? bundleOf(this.generations),
      webhook,
      matchConditions: this.matchConditions,
    };
  }
}

function serverCertificates(options: RegistrarOptions): KeptCertificatesOptions {
  const { client, registration, authority, log, now, elapsed } = options;
  const { namespace, secret, service, timing } = registration;
  const names = authority === null ? { dnsNames: [`${service}.${namespace}.svc`] } : null;
  return { client, namespace, secret, names, overlapMs: timing.overlapMs, log, now, elapsed };
}

async function ownConditions(options: RegistrarOptions, signal: AbortSignal): Promise<JsonObject[]> {
  const { client, registration, configMaps, log } = options;
  const { secret, gatewaySecret, webhook } = registration;
  const conditions = webhook.failurePolicy === 'Fail' ? [ownWorkload(registration)] : [];
  const user = await ownUser(client, signal);
  if (user === null) log.warn('the API server does not say who we are: our own writes are recorded as well');
  else conditions.push(ownWrites(registration, user, [secret, gatewaySecret], configMaps));
  return conditions;
}
