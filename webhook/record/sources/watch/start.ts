import type { Logger } from 'pino';
import { messageOf } from '../../../../shared/errors.ts';
import type { JsonObject } from '../../../../shared/types.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import type { Predicates } from '../../rules/predicates.ts';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import type { ApiClient } from '../../../platform/kubernetes/api-client.ts';
import type { EventReader } from '../../../platform/kubernetes/watch/reflector.ts';
import { RegistrationWatch } from '../../coverage/coverage.ts';
import type { EventSink } from '../events/event-sink.ts';
import { RecorderFacts } from './facts.ts';
import { Observer, type ObserverTiming } from './observer.ts';

export interface ObserverContext {
  predicates: Predicates;
  /** Name of our ValidatingWebhookConfiguration. */
  webhookConfiguration: string;
  recorder: Recorder;
  store: LedgerStore;
  log: Logger;
  now: () => number;
  timing: ObserverTiming;
  reader: EventReader;
  /** Takes Events; missing where they are not kept. */
  events?: EventSink | undefined;
  /** null: there is no cluster to watch. */
  client: ApiClient | null;
  /** What is wrong with a webhook configuration that we made; missing where somebody else makes it. */
  judge: ((configuration: JsonObject) => string) | undefined;
  /** Puts a webhook configuration right that we made. */
  repair: () => void;
  /** Given what knows whether the API server sends reviews. */
  watches: (registration: RegistrationWatch) => void;
}

/** Starts to watch the cluster; null where there is none. An API server that does not answer yet is waited for. */
export function startObserver(context: ObserverContext): Observer | null {
  const { predicates, webhookConfiguration, recorder, store, log, now, client, judge, timing, reader, events } =
    context;
  if (client === null) {
    log.info('no cluster to watch: attempts are settled by later reviews alone');
    return null;
  }
  const tell = (error: unknown): void => log.error({ reason: messageOf(error) }, 'coverage not recorded');
  const registration = new RegistrationWatch(
    webhookConfiguration,
    (event, detail) => {
      log.warn({ event, detail }, 'webhook registration');
      if (event === 'unregistered') context.repair();
      return recorder.cover(event, detail, now());
    },
    judge,
  );
  context.watches(registration);
  const observer = new Observer({
    client,
    facts: new RecorderFacts(recorder, store, now),
    recorder,
    predicates,
    reader,
    events,
    log,
    now,
    timing,
    tap: registration,
    reached: (answers, reason) => {
      recorder.cover(answers ? 'reached' : 'unreachable', reason, now()).catch(tell);
    },
  });
  observer.start();
  return observer;
}
