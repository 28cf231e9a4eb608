import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import type { Recorder } from '../capture/recorder.ts';
import type { ServerConfig } from '../config/config.ts';
import type { LedgerStore } from '../store/port.ts';
import { KubeApiClient } from './api-client.ts';
import { RegistrationWatch } from './coverage.ts';
import { RecorderFacts } from './facts.ts';
import { Observer, type ObserverTiming } from './observer.ts';

export interface ObserverContext {
  recorder: Recorder;
  store: LedgerStore;
  log: Logger;
  now: () => number;
  timing: ObserverTiming;
}

/**
 * Starts to watch the cluster that the configuration names; null where it names none. Throws config-invalid where the
 * kubeconfig cannot be used; an API server that does not answer yet is waited for.
 */
export async function startObserver(config: ServerConfig, context: ObserverContext): Promise<Observer | null> {
  const { recorder, store, log, now, timing } = context;
  if (config.kubeconfig === null) {
    log.info('no cluster to watch: attempts are settled by later reviews alone');
    return null;
  }
  // Loaded only here: it takes half a second.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const kubeconfig = new KubeConfig();
  try {
    if (config.kubeconfig === 'in-cluster') kubeconfig.loadFromCluster();
    else kubeconfig.loadFromFile(config.kubeconfig.file);
    if (kubeconfig.getCurrentCluster() === null) throw new Error('it has no current context with a cluster');
  } catch (error) {
    throw new KubeblameError(
      'config-invalid',
      `--kubeconfig (KUBEBLAME_KUBECONFIG): ${messageOf(error)}`,
      'name a kubeconfig file with a current context',
      { cause: error },
    );
  }
  const tell = (error: unknown): void => log.error({ reason: messageOf(error) }, 'coverage not recorded');
  const observer = new Observer({
    client: new KubeApiClient(kubeconfig),
    facts: new RecorderFacts(recorder, store, now),
    recorder,
    predicates: config.predicates,
    log,
    now,
    timing,
    tap: new RegistrationWatch(config.webhookConfiguration, (event, detail) => {
      log.warn({ event, detail }, 'webhook registration');
      return recorder.cover(event, detail, now());
    }),
    reached: (answers, reason) => {
      recorder.cover(answers ? 'reached' : 'unreachable', reason, now()).catch(tell);
    },
  });
  observer.start();
  return observer;
}
