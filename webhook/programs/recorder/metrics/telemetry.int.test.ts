import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { reviewDocument } from '../../../../shared/testing/reviews.ts';
import { useFolder } from '../../../testing/folder.ts';
import { TestServer } from '../../../testing/server/server.ts';

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number };
}
interface Point {
  attributes: Attribute[];
  asDouble?: number;
  asInt?: number;
  count?: number;
  bucketCounts?: number[];
  explicitBounds?: number[];
}
interface Metric {
  name: string;
  sum?: { isMonotonic: boolean; aggregationTemporality: number; dataPoints: Point[] };
  gauge?: { dataPoints: Point[] };
  histogram?: { dataPoints: Point[] };
}
interface Span {
  name: string;
  traceId: string;
  parentSpanId: string;
  attributes: Attribute[];
}
interface Batch<Scope> {
  resource: { attributes: Attribute[] };
  scopes: Scope[];
}

/** A collector that keeps what it is sent, by path. */
class Collector {
  readonly received = new Map<string, unknown[]>();
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const path = request.url ?? '';
      this.received.set(path, [...(this.received.get(path) ?? []), JSON.parse(text.toString())]);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The last export to a path, as the OTLP JSON has it: one resource, one scope. */
  last<Scope>(path: string, resources: string, scopes: string): Batch<Scope> {
    const body = this.received.get(path)?.at(-1) as Record<string, [Record<string, unknown>]> | undefined;
    const batch = body?.[resources]?.[0];
    assert.ok(batch !== undefined, path);
    return { resource: batch.resource, scopes: batch[scopes] } as Batch<Scope>;
  }
}

describe('telemetry', () => {
  const file = useFolder();
  let collector: Collector;
  beforeEach(async () => {
    collector = new Collector();
    collector.server.listen(0, '127.0.0.1');
    await once(collector.server, 'listening');
  });
  afterEach(() => {
    collector.server.closeAllConnections();
    collector.server.close();
  });

  it('sends metrics and the span of each admission to the collector, and what is left at the stop', async () => {
    const server = await TestServer.start(file, { otlpEndpoint: `${collector.url}/`, cluster: 'prod' });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await server.admission.admit(reviewDocument(), { traceparent });
    await server.admission.admit('no review');
    await server.stop();

    const metrics = collector.last<{ metrics: Metric[] }>('/v1/metrics', 'resourceMetrics', 'scopeMetrics');
    assert.deepEqual(metrics.resource.attributes.map(({ key, value }) => [key, value.stringValue]).slice(0, 1), [
      ['service.name', 'kubeblame'],
    ]);
    assert.ok(
      metrics.resource.attributes.some(({ key, value }) => key === 'k8s.cluster.name' && value.stringValue === 'prod'),
    );
    const named = (name: string): Metric => {
      const found = metrics.scopes.flatMap((scope) => scope.metrics).find((metric) => metric.name === name);
      assert.ok(found, name);
      return found;
    };
    const reviews = named('kubeblame_reviews_total').sum;
    assert.deepEqual([reviews?.isMonotonic, reviews?.aggregationTemporality], [true, 2]);
    assert.deepEqual(
      Object.fromEntries(
        (reviews?.dataPoints ?? []).map(({ attributes, asDouble }) => [attributes[0]?.value.stringValue, asDouble]),
      ),
      { recorded: 1, unchanged: 0, excluded: 0, 'dry-run': 0, lost: 0, refused: 1, 'turned-away': 0 },
    );
    assert.equal(named('kubeblame_ledger_changes').gauge?.dataPoints[0]?.asDouble, 1);
    const [commits] = named('kubeblame_commit_changes').histogram?.dataPoints ?? [];
    assert.deepEqual(commits?.explicitBounds, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    // One for the review, and those of the signs of life, which hold no change.
    assert.equal(
      commits?.bucketCounts?.reduce((sum, count) => sum + count, 0),
      commits?.count,
    );

    const traces = collector.last<{ spans: Span[] }>('/v1/traces', 'resourceSpans', 'scopeSpans');
    const spans = traces.scopes.flatMap((scope) => scope.spans);
    assert.deepEqual(
      spans.map(({ name, attributes }) => [
        name,
        attributes.find(({ key }) => key === 'http.response.status_code')?.value.intValue,
      ]),
      [
        ['POST /admit', 200],
        ['POST /admit', 400],
      ],
    );
    assert.deepEqual(
      [spans[0]?.traceId, spans[0]?.parentSpanId],
      ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'],
    );
  });

  it('records on where the collector does not answer', async () => {
    const { url } = collector;
    await new Promise((resolve) => collector.server.close(resolve));
    const server = await TestServer.start(file, { otlpEndpoint: url });
    assert.equal((await server.admission.admit(reviewDocument())).status, 200);
    await server.stop();
  });

  it('sends nothing unless a collector is named', async () => {
    const server = await TestServer.start(file);
    await server.admission.admit(reviewDocument());
    await server.stop();
    assert.equal(collector.received.size, 0);
  });
});
