import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { VERSION } from '../../../shared/version.ts';

/** Where telemetry goes, where the operator named a collector, and of what it is. */
export interface Collector {
  /** Base URL of OTLP/HTTP, such as http://collector:4318. */
  endpoint: string;
  cluster: string;
}

/** For one export, its retries included. Bounds the stop too: a collector that is gone must not hold it up. */
export const EXPORT_TIMEOUT_MS = 3_000;

/** Where a signal of it is sent to. */
export function urlOf({ endpoint }: Collector, signal: 'metrics' | 'traces' | 'logs'): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/${signal}`;
}

/** What it is that sends. */
export function resourceOf({ cluster }: Collector): Resource {
  return resourceFromAttributes({
    'service.name': 'kubeblame',
    'service.version': VERSION,
    'k8s.cluster.name': cluster,
  });
}
