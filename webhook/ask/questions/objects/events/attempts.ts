import type { EventFacts } from '../../../../../shared/events/event.ts';
import type { LedgerView, StoredChange } from '../../../../ledger/port/port.ts';
import type { EventOwners } from './owners.ts';

/** How the API server names what it refused, in the message of an Event: `pods "web-x2" is forbidden: exceeded quota`. */
const REFUSED = /(?:^|[\s:])([a-z][a-z0-9]*)((?:\.[a-z0-9-]+)*) "([^"]+)" is (?:forbidden|invalid)/;
/** An Event may be told a little before the ledger heard of the attempt. */
const SLACK_MS = 2_000;
const CHANGES = 20;

/**
 * The change that asked for what was never persisted, and that an Event tells of: a controller says which object it could not create; or the
 * Event is about an object that there never was. null where the ledger has no such attempt, or the reader may not read it.
 */
export async function attemptOf(
  store: LedgerView,
  owners: EventOwners,
  { about, namespace, message, lastAt }: EventFacts,
): Promise<number | null> {
  const [, resource = '', group = '', name = ''] = REFUSED.exec(message) ?? [];
  if (resource !== '') {
    const type = { group: group.slice(1), resource };
    for (const place of new Set([about.namespace || namespace, ''])) {
      const found = await newestAttempt(store, { type, namespace: place, names: [name] }, lastAt);
      if (found !== null) return found;
    }
  }
  const own = await owners.resourceOf(about);
  if (own === '' || about.uid === '') return null;
  const type = { group: about.group, resource: own };
  const rows = await store.changes({ type, namespace: about.namespace, names: [about.name], uid: about.uid }, CHANGES);
  return rows.length > 0 && rows.every(isAttempt) ? (rows[0]?.seq ?? null) : null;
}

async function newestAttempt(
  store: LedgerView,
  filter: { type: { group: string; resource: string }; namespace: string; names: string[] },
  by: number,
): Promise<number | null> {
  const rows = await store.changes(filter, CHANGES);
  return rows.find((row) => isAttempt(row) && row.occurredAt <= by + SLACK_MS)?.seq ?? null;
}

function isAttempt({ outcome }: StoredChange): boolean {
  return outcome === 'dropped';
}
