import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type TextMapGetter, type Tracer } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Registry } from 'prom-client';
import { VERSION } from '../../shared/version.ts';
import { RegistryProducer } from './otlp-metrics.ts';

export interface TelemetryOptions {
  /** Base URL of an OTLP/HTTP collector, such as http://collector:4318. */
  endpoint: string;
  cluster: string;
  registry: Registry;
  /** How often metrics are sent (ms). */
  intervalMs: number;
}

/** For one export, its retries included. Bounds the stop too: a collector that is gone must not hold it up. */
const EXPORT_TIMEOUT_MS = 3_000;

/** An HTTP handler, as node:http calls it. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const HEADERS: TextMapGetter<IncomingHttpHeaders> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, key) => headers[key],
};

/** Sends metrics and traces to a collector that the operator named. Nothing is sent where none is: off by default. */
export class Telemetry {
  private readonly meters: MeterProvider;
  private readonly tracers: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly propagator = new W3CTraceContextPropagator();

  constructor({ endpoint, cluster, registry, intervalMs }: TelemetryOptions) {
    const base = endpoint.replace(/\/+$/, '');
    const resource = resourceFromAttributes({
      'service.name': 'kubeblame',
      'service.version': VERSION,
      'k8s.cluster.name': cluster,
    });
    this.meters = new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics`, timeoutMillis: EXPORT_TIMEOUT_MS }),
          exportIntervalMillis: intervalMs,
          exportTimeoutMillis: EXPORT_TIMEOUT_MS,
          metricProducers: [new RegistryProducer(registry)],
        }),
      ],
    });
    this.tracers = new BasicTracerProvider({
      resource,
      spanProcessors: [
        new BatchSpanProcessor(new OTLPTraceExporter({ url: `${base}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT_MS })),
      ],
    });
    this.tracer = this.tracers.getTracer('kubeblame', VERSION);
  }

  /** Each request becomes a span, a child of the API server's own where that sends its trace context (KEP-647). */
  traced(name: string, handle: Handler): Handler {
    return (request, response) => {
      const parent = this.propagator.extract(ROOT_CONTEXT, request.headers, HEADERS);
      const span = this.tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes: { 'http.request.method': request.method ?? '' } },
        parent,
      );
      response.once('close', () => {
        span.setAttribute('http.response.status_code', response.statusCode);
        if (!response.writableFinished) span.setStatus({ code: SpanStatusCode.ERROR, message: 'connection closed' });
        else if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
      handle(request, response);
    };
  }

  /** Sends what is left, as far as the collector takes it within seconds. Never rejects. */
  async close(): Promise<void> {
    await Promise.allSettled([this.meters.shutdown(), this.tracers.shutdown()]);
  }
}
