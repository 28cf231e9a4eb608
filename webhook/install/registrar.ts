import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { advance, allOf, isUsable, renew, type Generation, type Generations } from '../../certs/generations.ts';
import { messageOf } from '../../shared/errors.ts';
import { isObject } from '../../shared/json.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import type { Registration } from '../config/install.ts';
import { ApiStatusError, type ApiClient, type ApiWriter } from '../observe/api-client.ts';
import { CONFIGURATIONS, faultOf, newConfiguration, repaired, type ConfigurationOptions } from './configuration.ts';
import { bundleOf, dataOf, decodeGenerations, holds } from './secret.ts';
import { getIfThere, MANAGER, StoredSecret } from './stored-secret.ts';

export interface RegistrarOptions {
  client: ApiClient & ApiWriter;
  registration: Registration;
  /** Name of the ValidatingWebhookConfiguration. */
  configuration: string;
  /** Whether the path carries the secret. */
  usesPath: boolean;
  matchConditions: JsonObject[];
  /** PEM of the CA, where the certificate comes from elsewhere: read again each time. */
  authority: (() => string) | null;
  log: Logger;
  now: () => number;
  /** ms from some moment, which no change of the clock moves. */
  elapsed: () => number;
}

const API_SERVICE = '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.kubeblame.io';

/**
 * Keeps in the cluster what lets the API server find and trust this server: a Secret with the certificates and the
 * path's secret, the webhook configuration, and the CA of our APIService where there is one. Compares, and repairs. It
 * never withdraws anything: what is sent while the server restarts is answered by the next one, or goes on unrecorded.
 */
export class Registrar {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private readonly stop = new AbortController();
  private isReady = (): Promise<boolean> => Promise.resolve(false);
  private registers = false;
  /** Since when (elapsed ms) the cluster has been told of the generation of this path. */
  private readonly registeredSince = new Map<string, number>();
  /** The webhooks that were written last, and what the API server made of them. */
  private written: { wanted: Json; as: Json } | null = null;
  private owner: JsonObject | null = null;
  private complaint = '';
  private listener: (generations: Generations) => Promise<void> = () => Promise.resolve();

  private constructor(
    private readonly options: RegistrarOptions,
    private readonly stored: StoredSecret,
    private known: Generations,
  ) {}

  /** Resolves with what to serve with, read from the cluster or made; waits for the API server as long as it takes. */
  static async open(options: RegistrarOptions): Promise<Registrar> {
    const stored = new StoredSecret(options.client, options.registration);
    for (;;) {
      try {
        return new Registrar(options, stored, await readOrMake(options, stored));
      } catch (error) {
        options.log.warn({ reason: messageOf(error) }, 'waiting for the API server, for the certificates');
        await new Promise((resolve) => setTimeout(resolve, options.registration.timing.everyMs));
      }
    }
  }

  /** What counts as one in the webhook's path now. */
  get pathSecrets(): string[] {
    return allOf(this.known).map(({ pathSecret }) => pathSecret);
  }

  get generations(): Generations {
    return this.known;
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
    const serving = authority?.() ?? this.known.current.serving?.authority ?? '';
    return faultOf(configuration, this.wanted(), paths, serving);
  }

  private next(): Promise<void> {
    this.round = this.keep().then(() => {
      if (this.stop.signal.aborted) return;
      this.timer = setTimeout(() => void this.next(), this.options.registration.timing.everyMs);
    });
    return this.round;
  }

  /** One comparison. Never rejects: the next one tries again. */
  private async keep(): Promise<void> {
    try {
      await this.keepSecret();
      this.registers ||= await this.isReady();
      if (this.registers) {
        await this.keepConfiguration();
        await this.keepApiService();
        this.noteRegistered();
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

  /**
   * What serves is what counts: where the Secret is not as it was left, it is written again, and a new generation begun.
   * So nothing is lost by its deletion, and whoever wants new keys deletes it.
   */
  private async keepSecret(): Promise<void> {
    const { now, log, registration } = this.options;
    const { timing } = registration;
    const secret = await this.stored.read(this.stop.signal);
    const names = namesOf(this.options);
    let next = this.known;
    if (
      (secret === null || !holds(dataOf(secret), next)) &&
      next.next === null &&
      isUsable(next.current, now(), names)
    ) {
      log.warn({ secret: registration.secret }, 'Secret deleted or changed: restored, and new keys begun');
      next = await renew(next, now(), names);
    }
    next = await advance(next, {
      now: now(),
      names,
      nextIsKnown: this.hasBeenRegistered(next.next, timing.overlapMs),
      previousIsOver: this.hasBeenRegistered(next.current, 2 * timing.overlapMs),
    });
    // It may be there already, where only the answer to our last write was lost.
    if (secret === null || !holds(dataOf(secret), next)) await this.stored.write(secret, next, this.stop.signal);
    if (next === this.known) return;
    log.info(
      { madeAt: new Date(next.current.madeAt).toISOString(), begun: next.next !== null },
      'certificates changed',
    );
    this.known = next;
    await this.listener(next);
  }

  /** Whoever calls us has been told of all that counts now. */
  private noteRegistered(): void {
    for (const pathSecret of this.pathSecrets)
      if (!this.registeredSince.has(pathSecret)) this.registeredSince.set(pathSecret, this.options.elapsed());
  }

  private hasBeenRegistered(generation: Generation | null, forMs: number): boolean {
    const since = generation === null ? undefined : this.registeredSince.get(generation.pathSecret);
    return since !== undefined && this.options.elapsed() - since >= forMs;
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

  /** The native API is an option, and so are the rights on it: without either there is nothing to do. */
  private async keepApiService(): Promise<void> {
    const { client, registration } = this.options;
    let found: JsonObject | null;
    try {
      found = await getIfThere(client, API_SERVICE, this.stop.signal);
    } catch (error) {
      if (error instanceof ApiStatusError && error.status === 403) return;
      throw error;
    }
    if (found === null || !isObject(found.spec) || !isObject(found.spec.service)) return;
    const caBundle = Buffer.from(this.wanted().caBundle).toString('base64');
    if (found.spec.service.namespace !== registration.namespace || found.spec.caBundle === caBundle) return;
    await client.put(`${API_SERVICE}?${MANAGER}`, { ...found, spec: { ...found.spec, caBundle } }, this.stop.signal);
    this.options.log.info('CA of the APIService written');
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
    const { configuration, registration, usesPath, matchConditions, authority } = this.options;
    const { namespace, service, servicePort } = registration;
    // The newest path: the server takes the others too.
    const { pathSecret } = this.known.next ?? this.known.current;
    return {
      name: configuration,
      namespace,
      service,
      servicePort,
      pathSecret: usesPath ? pathSecret : '',
      caBundle: authority?.() ?? bundleOf(this.known),
      matchConditions,
    };
  }
}

/** null where the certificate comes from elsewhere. The second name is that of the native API's Service. */
function namesOf({ registration, authority }: RegistrarOptions): { dnsNames: string[] } | null {
  if (authority !== null) return null;
  const { service, namespace } = registration;
  return { dnsNames: [service, `${service}-gateway`].map((name) => `${name}.${namespace}.svc`) };
}

async function readOrMake(options: RegistrarOptions, stored: StoredSecret): Promise<Generations> {
  const { signal } = new AbortController();
  const secret = await stored.read(signal);
  const known = secret === null ? null : decodeGenerations(dataOf(secret));
  const names = namesOf(options);
  if (known !== null && isUsable(known.current, options.now(), names)) return known;
  const made = await advance(known, { now: options.now(), names, nextIsKnown: false, previousIsOver: false });
  // Stored before it is used: what nobody can find again must not be registered.
  await stored.write(secret, made, signal);
  return made;
}
