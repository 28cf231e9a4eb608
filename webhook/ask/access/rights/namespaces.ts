import { believed } from '../../../../shared/versions.ts';
import type { LedgerStore, StoredObject } from '../../../ledger/port/port.ts';

const NAMESPACES = { group: '', resource: 'namespaces', kind: 'Namespace' };

/** What the ledger knows of a namespace's name, which may have been used before. */
export interface NamespaceLife {
  /** False where it was deleted: a right that somebody has in it cannot be meant for what was there. */
  alive: boolean;
  /** When the last of its earlier incarnations was changed for the last time (ms); null where there was none. */
  earlierUntil: number | null;
}

/** The namespace's life; alive where the ledger never saw the Namespace object. */
export async function lifeOf(store: LedgerStore, name: string): Promise<NamespaceLife> {
  const [newest, ...earlier] = await store.incarnations({ ...NAMESPACES, namespace: '', name });
  if (newest === undefined) return { alive: true, earlierUntil: null };
  let earlierUntil: number | null = null;
  for (const { id } of earlier) earlierUntil = Math.max(earlierUntil ?? 0, (await store.lifetime(id))?.lastAt ?? 0);
  return { alive: await isAlive(store, newest), earlierUntil };
}

/** Names of the namespaces that exist, as far as the ledger knows. */
export async function livingNamespaces(store: LedgerStore): Promise<string[]> {
  const { group, resource } = NAMESPACES;
  const newest = new Map<string, StoredObject>();
  // By name, the oldest first: the last one of a name stays.
  for (const object of await store.objects({ type: { group, resource } }, Number.MAX_SAFE_INTEGER))
    newest.set(object.name, object);
  const alive: string[] = [];
  for (const object of newest.values()) if (await isAlive(store, object)) alive.push(object.name);
  return alive;
}

async function isAlive(store: LedgerStore, { id }: StoredObject): Promise<boolean> {
  const version = believed(await store.tail(id));
  return version !== null && version.effect !== 'deleted';
}
