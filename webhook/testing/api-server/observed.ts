import { KubeConfig } from '@kubernetes/client-node';
import pino from 'pino';
import { reconstruct } from '../../../shared/reconstruct.ts';
import { configMap } from '../../../shared/testing/reviews.ts';
import type { JsonObject } from '../../../shared/types.ts';
import { ReviewReader } from '../../record/review/review-reader.ts';
import { Predicates } from '../../record/rules/predicates.ts';
import { KubeApiClient } from '../../platform/kubernetes/api-client.ts';
import { RecorderFacts } from '../../record/sources/watch/facts.ts';
import { Observer, type ObserverTiming } from '../../record/sources/watch/observer.ts';
import { loadStep } from '../../ledger/port/steps.ts';
import { FakeApiServer } from './api-server.ts';
import { CONFIG_MAPS } from './served-types.ts';
import { TestRecorder } from '../ledgers/recorder.ts';
import { until, type LogLine } from '../server/server.ts';

export const FAST: ObserverTiming = {
  watchSeconds: 60,
  silenceMs: 10_000,
  backoffMinMs: 5,
  backoffMaxMs: 40,
  forbiddenMs: 10_000,
  discoverMs: 10_000,
  settleDiscoveryMs: 10,
  sweepMs: 10,
  dropAfterMs: 75_000,
};

/** An API server that serves ConfigMaps, and a ledger that an observer of it records in. */
export class Observed {
  observer: Observer | undefined;
  readonly log: LogLine[] = [];
  /** What coverage was told about the API server. */
  readonly reached: string[] = [];

  private constructor(
    readonly api: FakeApiServer,
    readonly ledger: TestRecorder,
  ) {}

  static async start(file: (name: string) => string): Promise<Observed> {
    return new Observed(await FakeApiServer.start(file, [CONFIG_MAPS]), await TestRecorder.open(file('ledger.db')));
  }

  /** Starts to observe. */
  observe(timing: Partial<ObserverTiming> = {}): Observer {
    const kubeconfig = new KubeConfig();
    kubeconfig.loadFromFile(this.api.kubeconfig);
    const { ledger, log } = this;
    const now = (): number => ledger.at;
    this.observer = new Observer({
      client: new KubeApiClient(kubeconfig),
      facts: new RecorderFacts(ledger.recorder, ledger.store, now),
      recorder: ledger.recorder,
      predicates: new Predicates([]),
      reader: new ReviewReader(() => false),
      log: pino({ base: null }, { write: (line: string) => void log.push(JSON.parse(line) as LogLine) }),
      now,
      reached: (answers) => this.reached.push(answers ? 'reached' : 'unreachable'),
      timing: { ...FAST, ...timing },
    });
    this.observer.start();
    return this.observer;
  }

  /** Resolves when everything is listed, and watched. */
  async observed(timing: Partial<ObserverTiming> = {}): Promise<Observer> {
    const observer = this.observe(timing);
    await until('it is synced', () => observer.synced);
    await this.watching();
    return observer;
  }

  watching(): Promise<void> {
    return until('it watches', () => this.api.openWatches('configmaps') === 1);
  }

  /** Creates or replaces ConfigMap shop/name in the cluster. */
  put(name: string, data: JsonObject, metadata: JsonObject = {}): JsonObject {
    return this.api.put(CONFIG_MAPS, configMap(data, { name, uid: `u-${name}`, ...metadata }));
  }

  remove(name: string): void {
    this.api.remove(CONFIG_MAPS, 'shop', name);
  }

  summary(): Promise<string[]> {
    return this.ledger.summary();
  }

  recorded(count: number): Promise<void> {
    return until(`${count} changes are recorded`, async () => (await this.ledger.store.last())?.seq === count);
  }

  /** A marker that all that came before has been taken in, for what must not have been recorded. */
  async last(name: string): Promise<void> {
    this.put(name, {});
    const { store } = this.ledger;
    await until(`${name} is seen`, async () => (await store.objects({ names: [name] }, 1)).length === 1);
  }

  /** The newest state of an object of that name. */
  async stateOf(name: string): Promise<JsonObject | null> {
    const { store } = this.ledger;
    const [object] = await store.objects({ names: [name] }, 1);
    const [version] = object === undefined ? [] : await store.tail(object.id);
    return version === undefined ? null : reconstruct(version.seq, (seq) => loadStep(store, seq));
  }

  async stop(): Promise<void> {
    await this.observer?.close();
    await this.api.stop();
    await this.ledger.close();
  }
}
