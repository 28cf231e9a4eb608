import type { EventPolicy } from '../../../ledger/retention/retention.ts';
import type { Redactor } from '../../../../shared/redact.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { EventIntake } from '../../../record/sources/events/event-intake.ts';
import { EventSink } from '../../../record/sources/events/event-sink.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Setting } from './setting.ts';

/** What takes the Events that the watch shows into the ledger; undefined where none are kept. */
export function openEvents(
  { config: { events: policy, kubeconfig }, log, now, closers }: Setting,
  { store, redactor, metrics }: { store: SqliteStore; redactor: Redactor; metrics: Metrics },
): EventSink | undefined {
  // What was recorded once grows old, watched or not.
  if (policy === null || kubeconfig === null) return undefined;
  const intake = new EventIntake({
    ...{ store, redactor, log },
    retention: () => retentionNow(policy, now()),
    taken: (taken) => metrics.events.taken(taken),
  });
  closers.add(() => intake.close());
  return new EventSink(intake, log, now);
}

function retentionNow({ ageMs, bytes }: EventPolicy, now: number): { keepFrom: number; maxBytes: number } {
  return { keepFrom: now - ageMs, maxBytes: bytes };
}
