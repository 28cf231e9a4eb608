import type { IncomingHttpHeaders } from 'node:http';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type TextMapGetter, type Tracer } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { VERSION } from '../../../shared/version.ts';
import type { Handler } from '../http/http.ts';
import { EXPORT_TIMEOUT_MS, resourceOf, urlOf, type Collector } from './collector.ts';

const HEADERS: TextMapGetter<IncomingHttpHeaders> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, key) => headers[key],
};

/** Sends a span of each request to a collector. */
export class Tracing {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly propagator = new W3CTraceContextPropagator();

  constructor(collector: Collector) {
    const exporter = new OTLPTraceExporter({
      url: urlOf(collector, 'traces'),
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.provider = new BasicTracerProvider({
      resource: resourceOf(collector),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    this.tracer = this.provider.getTracer('kubeblame', VERSION);
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
    await Promise.allSettled([this.provider.shutdown()]);
  }
}
