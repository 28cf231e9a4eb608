import { UNVERIFIED_AFTER_MS } from '../../../ask/blame/views.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import type { Collector } from '../../../platform/telemetry/collector.ts';
import type { Metrics } from './metrics.ts';

/** Attempts without an outcome are counted for the metrics up to here. */
const MAX_COUNTED_PENDING = 1000;
/** OpenTelemetry's own default. */
const TELEMETRY_INTERVAL_MS = 60_000;

/** Attempts that nothing has settled yet, for the metrics. */
export async function pendingIn(store: LedgerStore, now: number): Promise<{ count: number; oldestAt: number | null }> {
  const from = (await store.seqAt(now - UNVERIFIED_AFTER_MS)) + 1;
  const open = await store.openAttempts(from, MAX_COUNTED_PENDING);
  return { count: open.length, oldestAt: open[0]?.at ?? null };
}

/** Nothing is sent anywhere unless the operator named a collector. Resolves to what ends it. */
export async function exportMetrics(
  collector: Collector | null,
  { registry }: Metrics,
): Promise<() => Promise<void> | void> {
  if (collector === null) return () => undefined;
  // Loaded only here: most servers are scraped.
  const { MetricExport } = await import('../../../platform/telemetry/metric-export.ts');
  const exporting = new MetricExport(collector, registry, TELEMETRY_INTERVAL_MS);
  return () => exporting.close();
}
