import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventsTaken, EventTotals } from '../../../ledger/port/events.ts';

const RESULTS = ['recorded', 'known', 'summed'] as const;
const SECOND = 1000;

/** What can be measured of Kubernetes Events. */
export class EventMetrics {
  private readonly states: Counter<'result'>;
  private readonly removed: Counter;

  /** `totals`: asked for when the metrics are read. */
  constructor(registry: Registry, totals: () => Promise<EventTotals>) {
    const registers = [registry];
    this.states = new Counter({
      name: 'kubeblame_event_states_total',
      help: 'Kubernetes Events that the watch showed, by what became of them; summed: only counted, in a storm.',
      labelNames: ['result'],
      registers,
    });
    for (const result of RESULTS) this.states.inc({ result }, 0);
    this.removed = new Counter({
      name: 'kubeblame_events_removed_total',
      help: 'Kubernetes Events that were given up: too old, or too many.',
      registers,
    });
    new Gauge({
      name: 'kubeblame_events',
      help: 'Kubernetes Events in the ledger.',
      registers,
      async collect() {
        this.set((await totals()).events);
      },
    });
    new Gauge({
      name: 'kubeblame_events_bytes',
      help: 'What Kubernetes Events take of the ledger, about.',
      registers,
      async collect() {
        this.set((await totals()).bytes);
      },
    });
    new Gauge({
      name: 'kubeblame_events_kept_from_timestamp_seconds',
      help: 'Kubernetes Events that ended before, in seconds since 1970, are not all there any more; 0 while all are.',
      registers,
      async collect() {
        this.set((await totals()).horizonAt / SECOND);
      },
    });
  }

  taken({ states, known, summed, removed }: EventsTaken): void {
    const counts = { recorded: states, known, summed };
    for (const result of RESULTS) this.states.inc({ result }, counts[result]);
    this.removed.inc(removed);
  }
}
