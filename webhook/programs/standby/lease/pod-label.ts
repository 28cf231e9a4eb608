import { metadataOf } from '../../../../shared/normalise.ts';
import { isObject } from '../../../../shared/json.ts';
import type { KubeApiClient } from '../../../platform/kubernetes/api-client.ts';

const LABEL = 'kubeblame.io/active';

/** The label of the own pod by which the Service finds it: a standby is ready too, and must not be called. */
export class PodLabel {
  private readonly path: string;

  constructor(
    private readonly client: Pick<KubeApiClient, 'get' | 'apply'>,
    private readonly namespace: string,
    private readonly pod: string,
  ) {
    this.path = `/api/v1/namespaces/${namespace}/pods/${pod}`;
  }

  /** Sets it where it is not. Rejects as `ApiClient.get`. */
  async keep(signal: AbortSignal): Promise<void> {
    if (!(await this.isSet(signal))) await this.apply({ [LABEL]: 'true' }, signal);
  }

  /** Takes it away where it is. Rejects as `ApiClient.get`. */
  async remove(signal: AbortSignal): Promise<void> {
    // Server-side apply removes what it had applied before and is not there any more.
    if (await this.isSet(signal)) await this.apply({}, signal);
  }

  private async isSet(signal: AbortSignal): Promise<boolean> {
    const { labels } = metadataOf(await this.client.get(this.path, signal));
    return isObject(labels) && labels[LABEL] === 'true';
  }

  private async apply(labels: Record<string, string>, signal: AbortSignal): Promise<void> {
    const metadata = { name: this.pod, namespace: this.namespace, labels };
    await this.client.apply(this.path, { apiVersion: 'v1', kind: 'Pod', metadata }, signal);
  }
}
