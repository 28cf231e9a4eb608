import type { Redactor } from '../../../../shared/redact.ts';
import type { EventsTaken, ShownEvent } from '../../../ledger/port/events.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { withoutSecrets } from './event-intake.ts';
import { readEvents, type BadEvent } from './read-events.ts';

export interface EventImportOptions {
  store: LedgerStore;
  redactor: Redactor;
  /** Told of each line or Event that cannot be used. It is passed over. */
  bad: BadEvent;
  /** Called with the number of Events read so far. */
  progress?: (read: number) => void;
}

export interface EventCounts extends EventsTaken {
  bad: number;
}

/** Events that are written at once. */
const BATCH = 1_000;
/** What is imported is kept, however old: a server that opens the ledger gives up what its own limits do not keep. */
const KEEP_ALL = { keepFrom: 0, maxBytes: Number.MAX_SAFE_INTEGER };

/** Takes in the Events of files. What is in the ledger already is not taken again. Rejects as the store does, and with input-invalid. */
export async function importEvents(
  files: readonly string[],
  { store, redactor, bad, progress }: EventImportOptions,
): Promise<EventCounts> {
  const counts: EventCounts = { events: 0, states: 0, known: 0, summed: 0, removed: 0, bad: 0 };
  let batch: ShownEvent[] = [];
  let read = 0;
  const write = async (): Promise<void> => {
    const taken = await store.takeEvents(batch, KEEP_ALL);
    batch = [];
    for (const name of ['events', 'states', 'known', 'summed'] as const) counts[name] += taken[name];
    progress?.(read);
  };
  const told: BadEvent = (error) => {
    counts.bad++;
    bad(error);
  };
  for (const file of files) {
    for await (const shown of readEvents(file, told)) {
      read++;
      batch.push(withoutSecrets(shown, redactor));
      if (batch.length === BATCH) await write();
    }
  }
  if (batch.length > 0) await write();
  return counts;
}

/** What became of Events, for people, on one line. */
export function describeEvents({ events, states, known, summed, bad }: EventCounts): string {
  const parts: [count: number, what: string][] = [
    [events, 'recorded'],
    [states - events, 'later counts of them'],
    [known, 'already there'],
    [summed, 'only counted: too many of one object or namespace in an hour'],
    [bad, 'that cannot be used'],
  ];
  return `Events: ${parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`).join(', ') || 'none in it'}`; // prettier-ignore
}
