import type { Logger } from 'pino';
import {
  advance,
  allOf,
  isUsable,
  renew,
  type Generation,
  type Generations,
  type ServingNames,
} from '../../../certs/generations.ts';
import type { JsonObject } from '../../../shared/types.ts';
import type { ApiClient, ApiWriter } from '../../platform/kubernetes/api-client.ts';
import { dataOf, decodeGenerations, encodeText, holds, restOf } from './secret.ts';
import { StoredSecret } from './stored-secret.ts';

export interface KeptCertificatesOptions {
  client: ApiClient & ApiWriter;
  namespace: string;
  /** Name of the Secret. */
  secret: string;
  /** null: the certificate comes from elsewhere, and only the secret of the path is kept. */
  names: ServingNames | null;
  /** How long two generations overlap (ms). */
  overlapMs: number;
  /** More texts for the Secret, by key; whoever mounts it finds them there. */
  more?: () => Record<string, string>;
  log: Logger;
  now: () => number;
  /** ms from some moment, which no change of the clock moves. */
  elapsed: () => number;
}

/** The certificates of one server or of several alike, kept in a Secret and replaced in generations. */
export class KeptCertificates {
  /** Since when (elapsed ms) whoever calls has been told of the generation of this path. */
  private readonly registeredSince = new Map<string, number>();

  private constructor(
    private readonly options: KeptCertificatesOptions,
    private readonly stored: StoredSecret,
    private known: Generations,
  ) {}

  /** Reads the Secret, or makes it. Rejects as `ApiClient.get`. */
  static async open(options: KeptCertificatesOptions, signal: AbortSignal): Promise<KeptCertificates> {
    const stored = new StoredSecret(options.client, options.namespace, options.secret);
    const secret = await stored.read(signal);
    const { names, now } = options;
    const known = secret === null ? null : decodeGenerations(dataOf(secret));
    if (known !== null && isUsable(known.current, now(), names)) return new KeptCertificates(options, stored, known);
    const made = await advance(known, { now: now(), names, nextIsKnown: false, previousIsOver: false });
    const kept = new KeptCertificates(options, stored, made);
    // Stored before it is used: what nobody can find again must not be registered.
    await stored.write(secret, made, kept.more(), signal);
    return kept;
  }

  get generations(): Generations {
    return this.known;
  }

  /** The secrets of the webhook's path that count now. */
  get pathSecrets(): string[] {
    return allOf(this.known).map(({ pathSecret }) => pathSecret);
  }

  /**
   * One comparison with the Secret; true where there are new generations. Those that are known are what counts: where the
   * Secret is not as it was left, it is written again, and a new generation begun. So nothing is lost by its deletion, and
   * whoever wants new keys deletes it. Rejects as `ApiClient.get`.
   */
  async keep(signal: AbortSignal): Promise<boolean> {
    const { now, names, log, secret: name, overlapMs } = this.options;
    const secret = await this.stored.read(signal);
    let next = this.known;
    if (!this.isAsLeft(secret, next) && next.next === null && isUsable(next.current, now(), names)) {
      log.warn({ secret: name }, 'Secret deleted or changed: restored, and new keys begun');
      next = await renew(next, now(), names);
    }
    next = await advance(next, {
      now: now(),
      names,
      nextIsKnown: this.hasBeenRegistered(next.next, overlapMs),
      previousIsOver: this.hasBeenRegistered(next.current, 2 * overlapMs),
    });
    // It may be there already, where only the answer to our last write was lost.
    if (!this.isAsLeft(secret, next) || !this.hasMore(secret))
      await this.stored.write(secret, next, this.more(), signal);
    if (next === this.known) return false;
    const madeAt = new Date(next.current.madeAt).toISOString();
    log.info({ secret: name, madeAt, begun: next.next !== null }, 'certificates changed');
    this.known = next;
    return true;
  }

  /** Whoever calls has been told of all that counts now. */
  noteRegistered(): void {
    for (const pathSecret of this.pathSecrets)
      if (!this.registeredSince.has(pathSecret)) this.registeredSince.set(pathSecret, this.options.elapsed());
  }

  private hasBeenRegistered(generation: Generation | null, forMs: number): boolean {
    const since = generation === null ? undefined : this.registeredSince.get(generation.pathSecret);
    return since !== undefined && this.options.elapsed() - since >= forMs;
  }

  private isAsLeft(secret: JsonObject | null, generations: Generations): boolean {
    return secret !== null && holds(restOf(dataOf(secret), Object.keys(this.more())), generations);
  }

  private hasMore(secret: JsonObject | null): boolean {
    const data = secret === null ? {} : dataOf(secret);
    return Object.entries(this.more()).every(([key, text]) => data[key] === encodeText(text));
  }

  private more(): Record<string, string> {
    return this.options.more?.() ?? {};
  }
}
