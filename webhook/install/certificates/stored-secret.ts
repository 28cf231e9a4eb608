import type { Generations } from '../../../certs/generations.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { ApiStatusError, type ApiClient, type ApiWriter } from '../../platform/kubernetes/api-client.ts';
import { encodeGenerations, encodeText } from './secret.ts';

/** Who managedFields names for what we write: a query of every write. */
export const MANAGER = 'fieldManager=kubeblame';
export const LABELS = { 'app.kubernetes.io/name': 'kubeblame', 'app.kubernetes.io/managed-by': 'kubeblame' };

/** An object of the cluster; null where there is none. Rejects as `ApiClient.get`. */
export async function getIfThere(client: ApiClient, path: string, signal: AbortSignal): Promise<JsonObject | null> {
  try {
    return await client.get(path, signal);
  } catch (error) {
    if (error instanceof ApiStatusError && error.status === 404) return null;
    throw error;
  }
}

/** Where the generations are kept across restarts: the Secret as the cluster has it. */
export class StoredSecret {
  private readonly secrets: string;

  constructor(
    private readonly client: ApiClient & ApiWriter,
    private readonly namespace: string,
    private readonly name: string,
  ) {
    this.secrets = `/api/v1/namespaces/${namespace}/secrets`;
  }

  /** The whole object; null where there is none. */
  read(signal: AbortSignal): Promise<JsonObject | null> {
    return getIfThere(this.client, `${this.secrets}/${this.name}`, signal);
  }

  /**
   * Over the one that was read: whoever else has changed it since is not overwritten, and seen the next time (409). `more`:
   * other texts that belong into it, by key.
   */
  async write(
    read: JsonObject | null,
    generations: Generations,
    more: Record<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { name, namespace } = this;
    const texts = Object.entries(more).map(([key, text]) => [key, encodeText(text)]);
    const data: JsonObject = { ...encodeGenerations(generations), ...(Object.fromEntries(texts) as JsonObject) };
    if (read !== null) {
      await this.client.put(`${this.secrets}/${name}?${MANAGER}`, { ...read, data }, signal);
      return;
    }
    const metadata = { name, namespace, labels: LABELS };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data };
    await this.client.post(`${this.secrets}?${MANAGER}`, secret, signal);
  }
}
