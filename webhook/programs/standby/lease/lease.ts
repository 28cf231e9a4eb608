import { isObject } from '../../../../shared/json.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import { getIfThere, LABELS, MANAGER } from '../../../install/certificates/stored-secret.ts';
import { ApiStatusError, type ApiClient, type ApiWriter } from '../../../platform/kubernetes/api-client.ts';

/** As client-go's leader election has them by default (ms). */
export interface LeaseTiming {
  /** So long nobody takes the Lease of a holder that does not renew it. */
  durationMs: number;
  /** How often it is renewed, or asked for. */
  retryMs: number;
}

export interface LeaseOptions {
  client: ApiClient & ApiWriter;
  namespace: string;
  name: string;
  /** Who we are: the pod's name. A container that is started again in the same pod is the same one. */
  identity: string;
  timing: LeaseTiming;
  now: () => number;
  /** ms from some moment, which no change of the clock moves. */
  elapsed: () => number;
}

/** A request that takes longer has failed: the next one may be in time. */
const REQUEST_MS = 5_000;

/**
 * A Lease (coordination.k8s.io/v1), by the algorithm of client-go's tools/leaderelection, which the library for Node does not have:
 * whoever finds it free, or not renewed for its whole duration by the own clock, writes their name into it; the API server lets one of
 * them do so (resourceVersion). Clocks of machines are not compared.
 */
export class Lease {
  /** What it said when it was seen last, and since when it has said so (elapsed ms). */
  private seen = { spec: '', at: 0 };

  constructor(private readonly options: LeaseOptions) {}

  /**
   * One try to take it or to keep it. Resolves with who has it: our own identity where that worked; '' where somebody else was
   * quicker, and the next try will tell who. Rejects as `ApiClient.get`.
   */
  async takeOrKeep(signal: AbortSignal): Promise<string> {
    const { identity, elapsed } = this.options;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    const found = await getIfThere(this.options.client, this.path, limited);
    const spec = specOf(found);
    const holder = textOf(spec.holderIdentity);
    const text = JSON.stringify(spec);
    if (text !== this.seen.spec) this.seen = { spec: text, at: elapsed() };
    const validMs = Number(spec.leaseDurationSeconds ?? 0) * 1000;
    if (holder !== '' && holder !== identity && elapsed() < this.seen.at + validMs) return holder;
    try {
      await this.write(found, this.held(spec, holder), limited);
      return identity;
    } catch (error) {
      if (error instanceof ApiStatusError && error.status === 409) return '';
      throw error;
    }
  }

  /** Gives it back, where it is ours: others need not wait until it ends. Rejects as `ApiClient.get`. */
  async release(signal: AbortSignal): Promise<void> {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    const found = await getIfThere(this.options.client, this.path, limited);
    const spec = specOf(found);
    if (found === null || spec.holderIdentity !== this.options.identity) return;
    await this.write(found, { ...spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.time() }, limited);
  }

  private get path(): string {
    return `${this.leases}/${this.options.name}`;
  }

  private get leases(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.options.namespace}/leases`;
  }

  private held(spec: JsonObject, holder: string): JsonObject {
    const { identity, timing } = this.options;
    const isKept = holder === identity;
    return {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.round(timing.durationMs / 1000)),
      acquireTime: isKept ? (spec.acquireTime ?? this.time()) : this.time(),
      renewTime: this.time(),
      leaseTransitions: Number(spec.leaseTransitions ?? 0) + (isKept || spec.holderIdentity === undefined ? 0 : 1),
    };
  }

  private async write(found: JsonObject | null, spec: JsonObject, signal: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.options;
    if (found !== null) {
      await client.put(`${this.path}?${MANAGER}`, { ...found, spec }, signal);
      return;
    }
    const metadata = { name, namespace, labels: LABELS };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    await client.post(`${this.leases}?${MANAGER}`, lease, signal);
  }

  /** A MicroTime. */
  private time(): string {
    return new Date(this.options.now()).toISOString().replace('Z', '000Z');
  }
}

function specOf(lease: JsonObject | null): JsonObject {
  return isObject(lease?.spec) ? lease.spec : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
