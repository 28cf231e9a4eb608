import { isObject } from '../../../shared/json.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { readCheckpoint } from '../proof/checkpoint.ts';

export interface ConfigMapName {
  namespace: string;
  name: string;
}

/** Of the cluster: what is needed of it. */
export interface Applier {
  apply(path: string, object: JsonObject, signal: AbortSignal): Promise<void>;
  /** null where there is none. */
  find(path: string, signal: AbortSignal): Promise<JsonObject | null>;
}

const APPLY_TIMEOUT_MS = 10_000;
/** The key of the newest checkpoint, and what the keys of those begin with that it must not replace. */
const NEWEST = 'checkpoint';
const KEPT = 'checkpoint-of-';

/**
 * Keeps the newest checkpoint in a config map, key `checkpoint`: whoever may read that has a copy. One that is there of another ledger,
 * or of this one with more commits than it has, stays under a key of its own, and `replaced` is told of it once: somebody put this
 * ledger in the place of that one.
 */
export function configMapPublisher(
  { namespace, name }: ConfigMapName,
  client: Applier,
  replaced: (text: string) => void,
): (note: string) => Promise<void> {
  let kept: Record<string, string> | null = null;
  return async (note) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
    const signal = AbortSignal.timeout(APPLY_TIMEOUT_MS);
    const first = kept === null ? othersIn(await client.find(path, signal), note) : null;
    kept = first?.kept ?? kept ?? {};
    const data = { ...kept, [NEWEST]: note };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
    try {
      await client.apply(path, object, signal);
    } catch (error) {
      // What is there is looked at again.
      if (first !== null) kept = null;
      throw error;
    }
    if (first?.text !== undefined) replaced(first.text);
  };
}

/** What a config map has of other ledgers, beside a checkpoint of this one. `text`: what there is to tell of the newest. */
function othersIn(found: JsonObject | null, note: string): { kept: Record<string, string>; text?: string } {
  const data = isObject(found?.data) ? found.data : {};
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(data))
    if (key.startsWith(KEPT) && typeof value === 'string') kept[key] = value;
  const [own, before] = [readCheckpoint(note, []), data[NEWEST]];
  if (typeof before !== 'string' || own === null) return { kept };
  const other = readCheckpoint(before, []);
  if (other !== null && other.head.origin === own.head.origin && other.head.size <= own.head.size) return { kept };
  const { origin, size } = other?.head ?? { origin: 'unreadable', size: 0 };
  const id = (origin.split('/').at(-1) ?? '').replace(/[^-._a-zA-Z0-9]/g, '-');
  kept[`${KEPT}${id}-${size}`] = before;
  const what = origin === own.head.origin ? 'this ledger had' : `another ledger, ${origin}, was here before: it had`;
  const behind = origin === own.head.origin ? `, and now has ${own.head.size}: an older copy was put in its place` : '';
  return { kept, text: `${what} ${size} commits${behind} (its checkpoint is kept in the cluster)` };
}
