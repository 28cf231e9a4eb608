import { ValueType, type HrTime } from '@opentelemetry/api';
import { hrTime, millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type CollectionResult,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { Registry } from 'prom-client';
import { VERSION } from '../../../shared/version.ts';

/** A metric as prom-client's registry gives it. */
interface PrometheusMetric {
  name: string;
  help: string;
  type: string;
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
}

/**
 * Gives the Prometheus registry's metrics to OpenTelemetry's reader, so that each is defined once, whichever way it is
 * read. The mapping is that of OpenTelemetry's data model (Prometheus compatibility): counters are cumulative monotonic
 * sums, histograms have explicit bounds.
 */
export class RegistryProducer implements MetricProducer {
  private readonly startTime = hrTime();

  constructor(private readonly registry: Registry) {}

  async collect(): Promise<CollectionResult> {
    const endTime = millisToHrTime(Date.now());
    const metrics = (await this.registry.getMetricsAsJSON()) as unknown as PrometheusMetric[];
    return {
      resourceMetrics: {
        resource: emptyResource(),
        scopeMetrics: [
          {
            scope: { name: 'kubeblame', version: VERSION },
            metrics: metrics.flatMap((metric) => this.metricData(metric, endTime) ?? []),
          },
        ],
      },
      errors: [],
    };
  }

  private metricData(metric: PrometheusMetric, endTime: HrTime): MetricData | null {
    const common = {
      descriptor: { name: metric.name, description: metric.help, unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
    };
    const point = { startTime: this.startTime, endTime };
    const numbers = metric.values.map(({ value, labels }) => ({ ...point, attributes: labels, value }));
    switch (metric.type) {
      case 'counter':
        return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers };
      case 'gauge':
        return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers };
      case 'histogram':
        return {
          ...common,
          dataPointType: DataPointType.HISTOGRAM,
          dataPoints: histograms(metric).map(({ labels, value }) => ({ ...point, attributes: labels, value })),
        };
      default:
        return null;
    }
  }
}

/** Prometheus' buckets are cumulative, with their bound as a label; OpenTelemetry's are not, with the bounds aside. */
function histograms({
  name,
  values,
}: PrometheusMetric): { labels: Record<string, string | number>; value: Histogram }[] {
  const series = new Map<string, { labels: Record<string, string | number>; value: Histogram; below: number }>();
  for (const { metricName, labels: all, value } of values) {
    const { le, ...labels } = all;
    const key = JSON.stringify(labels);
    const one = series.get(key) ?? {
      labels,
      value: { buckets: { boundaries: [], counts: [] }, sum: 0, count: 0 },
      below: 0,
    };
    series.set(key, one);
    if (metricName === `${name}_sum`) one.value.sum = value;
    else if (metricName === `${name}_count`) one.value.count = value;
    else {
      one.value.buckets.counts.push(value - one.below);
      one.below = value;
      if (le !== '+Inf') one.value.buckets.boundaries.push(Number(le));
    }
  }
  return [...series.values()];
}
