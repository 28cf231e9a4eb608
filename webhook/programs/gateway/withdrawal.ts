import type { Logger } from 'pino';
import { messageOf } from '../../../shared/errors.ts';
import { isObject } from '../../../shared/json.ts';
import { metadataText } from '../../../shared/normalise.ts';
import { API_SERVICE, isBeingDeleted } from '../../install/native-api/api-service.ts';
import { readyPods } from '../../install/native-api/endpoints.ts';
import { getIfThere } from '../../install/certificates/stored-secret.ts';
import type { ApiClient, ApiWriter } from '../../platform/kubernetes/api-client.ts';

/** Where a gateway is in the cluster. */
export interface GatewayPlace {
  namespace: string;
  /** Service of the gateways. */
  service: string;
  /** Name of its own pod. */
  pod: string;
}

export interface WithdrawalTiming {
  /**
   * How often the namespace is looked at. Kubernetes begins to empty a namespace five seconds after its deletion was asked
   * for: until then, the gateway's account still has its rights.
   */
  everyMs: number;
  /** How long a gateway that stops looks for another one that is ready, with `stepMs` between two looks. */
  stopMs: number;
  stepMs: number;
}

/** A stop that takes longer goes on without: Kubernetes ends the process after 30 s. */
const GIVE_UP_MS = 15_000;

export const WITHDRAWAL_TIMING: WithdrawalTiming = { everyMs: 2_000, stopMs: 5_000, stepMs: 500 };

export interface WithdrawalOptions {
  client: ApiClient & ApiWriter;
  place: GatewayPlace;
  timing: WithdrawalTiming;
  log: Logger;
}

/**
 * Withdraws the native API (deletes its APIService) where the last gateway stops, or the namespace is deleted: while the
 * API server has it and nobody answers, no namespace in the cluster can be deleted, ours included. The server that has the
 * ledger registers it, and withdraws it where gateways just vanish: install/api-service.ts.
 */
export class Withdrawal {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped: Promise<void> | undefined;
  private complaint = '';

  constructor(private readonly options: WithdrawalOptions) {
    this.next();
  }

  /**
   * To be called before the gateway stops to answer: resolves when another one is known to be ready for a while, or the
   * native API is withdrawn, or neither can be found out. Idempotent.
   */
  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  private async end(): Promise<void> {
    clearTimeout(this.timer);
    await this.round;
    const { timing } = this.options;
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const looks = Math.max(1, Math.round(timing.stopMs / timing.stepMs));
    // EndpointSlices are behind: gateways that are stopped at once are still ready in each other's eyes at first.
    for (let look = 0; look < looks; look++) {
      if (await this.withdrawIf(() => this.isLast(signal), 'the last gateway stops', signal)) return;
      await new Promise((resolve) => setTimeout(resolve, timing.stepMs));
    }
  }

  private next(): void {
    this.timer = setTimeout(() => {
      const signal = AbortSignal.timeout(10_000);
      this.round = this.withdrawIf(() => this.isNamespaceGoing(signal), 'the namespace is deleted', signal).then(() =>
        this.stopped === undefined ? this.next() : undefined,
      );
    }, this.options.timing.everyMs);
  }

  /** True where it was withdrawn, or is not there. Never rejects. */
  private async withdrawIf(isDue: () => Promise<boolean>, reason: string, signal: AbortSignal): Promise<boolean> {
    const { client, place, log } = this.options;
    try {
      if (!(await isDue())) return false;
      const found = await getIfThere(client, API_SERVICE, signal);
      if (found === null) return true;
      const service = isObject(found.spec) && isObject(found.spec.service) ? found.spec.service : {};
      if (service.namespace !== place.namespace || service.name !== place.service) return true;
      await client.remove(API_SERVICE, metadataText(found, 'uid'), signal);
      log.warn({ reason }, 'native API withdrawn');
      this.complaint = '';
      return true;
    } catch (error) {
      const what = messageOf(error);
      if (what !== this.complaint) log.error({ reason: what }, 'native API not withdrawn');
      this.complaint = what;
      return false;
    }
  }

  private async isLast(signal: AbortSignal): Promise<boolean> {
    const { client, place } = this.options;
    if (await this.isNamespaceGoing(signal)) return true;
    const ready = await readyPods(client, place.namespace, place.service, signal);
    return ready.every((pod) => pod === place.pod);
  }

  private async isNamespaceGoing(signal: AbortSignal): Promise<boolean> {
    const { client, place } = this.options;
    return isBeingDeleted(await getIfThere(client, `/api/v1/namespaces/${place.namespace}`, signal));
  }
}
