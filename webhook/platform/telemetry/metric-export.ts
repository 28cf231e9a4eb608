import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import { EXPORT_TIMEOUT_MS, resourceOf, urlOf, type Collector } from './collector.ts';
import { RegistryProducer } from './otlp-metrics.ts';

/** Sends metrics to a collector that the operator named. Nothing is sent where none is: off by default. */
export class MetricExport {
  private readonly meters: MeterProvider;

  /** `intervalMs`: how often. */
  constructor(collector: Collector, registry: Registry, intervalMs: number) {
    this.meters = new MeterProvider({
      resource: resourceOf(collector),
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter({
            url: urlOf(collector, 'metrics'),
            timeoutMillis: EXPORT_TIMEOUT_MS,
          }),
          exportIntervalMillis: intervalMs,
          exportTimeoutMillis: EXPORT_TIMEOUT_MS,
          metricProducers: [new RegistryProducer(registry)],
        }),
      ],
    });
  }

  /** Sends what is left, as far as the collector takes it within seconds. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled([this.meters.shutdown()]);
  }
}
