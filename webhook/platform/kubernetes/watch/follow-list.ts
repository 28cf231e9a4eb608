import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../../../../shared/json.ts';
import { metadataText } from '../../../../shared/normalise.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { ApiClient } from '../api-client.ts';
import { REFLECTOR_TIMING } from './reflector.ts';
import { watchUntilSilent } from './silent-watch.ts';

const RETRY_MS = 5_000;

export interface FollowOptions {
  client: ApiClient;
  /** The resource in one namespace, such as `/api/v1/namespaces/default/endpoints`. */
  path: string;
  /** A selector, as a query: only few objects. */
  only: string;
  /** Told all of them, by a list every few minutes and at each change. */
  changed: (objects: JsonObject[]) => void;
  failed: (error: unknown) => void;
  retryMs?: number;
  /** A watch without an event or bookmark for so long is taken for dead, and opened again. */
  silenceMs?: number;
}

/**
 * Follows a few objects of one namespace by a list and a watch. While they cannot be read, what was last told holds. Returns what
 * ends it.
 */
export function followList(options: FollowOptions): () => void {
  const ended = new AbortController();
  void follow(options, ended.signal);
  return () => ended.abort();
}

/** Never rejects. */
async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { client, path, only, changed, failed, retryMs = RETRY_MS, silenceMs = REFLECTOR_TIMING.silenceMs } = options;
  while (!signal.aborted) {
    try {
      const list = await client.get(`${path}?${only}`, signal);
      const items = Array.isArray(list.items) ? list.items.filter(isObject) : [];
      const known = new Map(items.map((item) => [metadataText(item, 'name'), item]));
      changed([...known.values()]);
      const version = metadataText(list, 'resourceVersion');
      const query = `${only}&watch=1&allowWatchBookmarks=true&resourceVersion=${version}&timeoutSeconds=${REFLECTOR_TIMING.watchSeconds}`;
      for await (const event of watchUntilSilent(client, `${path}?${query}`, silenceMs, signal)) {
        const { type, object } = event.read();
        if (type === 'ERROR') break;
        if (type === 'BOOKMARK' || object === undefined || !isObject(object)) continue;
        const name = metadataText(object, 'name');
        if (type === 'DELETED') known.delete(name);
        else known.set(name, object);
        changed([...known.values()]);
      }
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
