import { configMap, reviewDocument } from '../../../shared/testing/reviews.ts';
import type { Address } from '../../platform/http/listener.ts';
import { HttpsClient } from './server.ts';

/** What clients were told of the reviews that they sent. */
export class Load {
  /** uids that were answered as recorded. */
  readonly recorded = new Set<string>();
  /** uids that were answered with the warning that they were not recorded. */
  readonly lost = new Set<string>();
  /** uids without any answer. */
  readonly unanswered = new Set<string>();
  private sent = 0;
  private stopped = false;

  constructor(
    private readonly ca: string,
    private readonly prefix: string,
  ) {}

  /** Sends reviews over so many connections, each as soon as the last one is answered, until `stop` or a failure. */
  async run(address: Address, connections: number): Promise<void> {
    const client = new HttpsClient(address, this.ca, { connections });
    this.stopped = false;
    const lane = async (): Promise<void> => {
      while (!this.stopped) {
        const uid = `${this.prefix}-${++this.sent}`;
        const object = configMap({ text: uid.padEnd(600, '.') }, { name: uid, uid });
        try {
          const { response } = (await client.admit(reviewDocument({ uid, name: uid, object }))).json();
          const warned = (response as { warnings?: unknown }).warnings !== undefined;
          (warned ? this.lost : this.recorded).add(uid);
        } catch {
          this.unanswered.add(uid);
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: connections }, lane));
    client.close();
  }

  /** Each lane ends with the answer that it waits for. */
  stop(): void {
    this.stopped = true;
  }
}
