import type { Redactor } from '../../../../shared/redact.ts';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { EventIntake } from '../../../record/sources/events/event-intake.ts';
import { EventSink } from '../../../record/sources/events/event-sink.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Setting } from './setting.ts';

/** What takes the Events that the watch shows into the ledger; undefined where none are kept. */
export function openEvents(
  { config: { events: policy, kubeconfig }, log, now, closers }: Setting,
  {
    store,
    redactor,
    metrics,
    heldBack,
  }: { store: SqliteStore; redactor: Redactor; metrics: Metrics; heldBack: () => string | null },
): EventSink | undefined {
  // What was recorded once grows old, watched or not.
  if (policy === null || kubeconfig === null) return undefined;
  const intake = new EventIntake({
    ...{ store, redactor, log },
    // While the clock is not to be trusted, nothing is old.
    retention: () => ({ keepFrom: heldBack() === null ? now() - policy.ageMs : 0, maxBytes: policy.bytes }),
    taken: (taken) => metrics.events.taken(taken),
  });
  closers.add(() => intake.close());
  return new EventSink(intake, log, now);
}
