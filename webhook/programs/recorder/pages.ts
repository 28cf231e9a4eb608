import { KubeblameError } from '../../../shared/errors.ts';
import type { Health } from './health.ts';
import { failureText, statusOf } from '../../platform/http/http.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Page } from '../../record/gate/thread/gate-messages.ts';

const TEXT = 'text/plain; charset=utf-8';
const PATHS = ['/livez', '/readyz', '/metrics'];

/** What is at the admission endpoint besides reviews. */
export function pages(health: Health, { registry }: Metrics) {
  return async (method: string, path: string): Promise<Page> => {
    try {
      if (!PATHS.includes(path)) {
        const message = 'there is nothing here: POST /admit, GET /livez, /readyz, /metrics';
        throw new KubeblameError('not-found', message);
      }
      if (method !== 'GET' && method !== 'HEAD')
        throw new KubeblameError('method-not-allowed', `${method} is not allowed here: GET`);
      if (path === '/livez') return { status: 200, type: TEXT, text: 'ok\n' };
      if (path === '/metrics') return { status: 200, type: registry.contentType, text: await registry.metrics() };
      const { ready, text } = await health.readiness();
      return { status: ready ? 200 : 503, type: TEXT, text };
    } catch (error) {
      const failure =
        error instanceof KubeblameError ? error : new KubeblameError('server-error', 'the server failed to answer');
      return { status: statusOf(failure), type: 'application/json', text: failureText(failure) };
    }
  };
}
