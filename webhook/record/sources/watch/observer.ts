import type { Logger } from 'pino';
import { messageOf } from '../../../../shared/errors.ts';
import type { ObjectRef, ResourceType } from '../../../../shared/types.ts';
import { headKey } from '../../capture/objects/object-head.ts';
import type { Predicates } from '../../rules/predicates.ts';
import { isOfLedger } from '../../../ledger/port/failures.ts';
import type { Recorder } from '../../capture/recorder/recorder.ts';
import { ApiStatusError, type ApiClient } from '../../../platform/kubernetes/api-client.ts';
import { ByteBudget } from '../../../platform/kubernetes/watch/byte-budget.ts';
import { isEvents, type EventSink } from '../events/event-sink.ts';
import type { RecorderFacts } from './facts.ts';
import { look, showsNothingNew, type Look } from './look.ts';
import { discover, pathOf, type WatchedResource } from '../../../platform/kubernetes/discovery.ts';
import {
  Reflector,
  REFLECTOR_TIMING,
  type EventReader,
  type FactSink,
  type ReflectorTiming,
} from '../../../platform/kubernetes/watch/reflector.ts';
import type { Shown } from '../../../platform/kubernetes/watch/shown.ts';
import { SilentWatchError } from '../../../platform/kubernetes/watch/silent-watch.ts';

export interface ObserverTiming extends ReflectorTiming {
  /** How often the API server is asked which resources it has, besides when a definition changes. */
  discoverMs: number;
  /** How long definitions must be quiet before it is asked again. */
  settleDiscoveryMs: number;
  /** How often attempts are looked for that no watch has shown. */
  sweepMs: number;
  /**
   * An attempt is as old as this before it is dropped as never seen: the API server gives a request one minute, then the
   * watch has to tell, or the API server itself when asked.
   */
  dropAfterMs: number;
}

export const OBSERVER_TIMING: ObserverTiming = {
  ...REFLECTOR_TIMING,
  discoverMs: 600_000,
  settleDiscoveryMs: 1_000,
  sweepMs: 15_000,
  dropAfterMs: 75_000,
};

/**
 * What all lists and watches together have in hand, as received; parsed, compared and on its way to the ledger it is some
 * five times as much.
 */
const MAX_OBSERVED_BYTES = 8 * 1024 * 1024;

/** Objects that one sweep asks about at most; the next one asks about more. */
const LOOKS_A_SWEEP = 100;

/** Never sent to webhooks, so only a watch sees them: who switched the recorder off. Watched whatever the rules say. */
const ALWAYS_WATCHED = new Set(['admissionregistration.k8s.io', 'apiregistration.k8s.io']);
/** A change of these changes which resources there are. */
const DEFINING = new Set(['customresourcedefinitions.apiextensions.k8s.io', 'apiservices.apiregistration.k8s.io']);

export interface ObserverOptions {
  client: ApiClient;
  facts: RecorderFacts;
  recorder: Pick<Recorder, 'settleUnseen' | 'hurry'>;
  predicates: Predicates;
  /** Also reads the reviews of what is watched, which say the same. */
  reader: EventReader;
  log: Logger;
  now: () => number;
  /** Takes Events, which are kept apart from changes; missing where they are not kept. */
  events?: EventSink | undefined;
  /** Told about facts before they are recorded: coverage.ts. */
  tap?: FactSink;
  /** Told whether the API server answers. */
  reached?: (answers: boolean, reason: string) => void;
  timing: ObserverTiming;
}

interface Running {
  resource: WatchedResource;
  stop: AbortController;
  done: Promise<void>;
  /** Everything up to this moment (ms) has been taken in; null before the first list. */
  progressAt: number | null;
}

/**
 * Watches every recorded resource, and settles by what it sees. Follows the resources as they come and go. Keeps, for
 * each resource, when it last saw something; nothing for each object.
 */
export class Observer {
  private readonly running = new Map<string, Running>();
  private readonly refused = new Set<string>();
  /** Whoever waits for it waits for what the recorder holds. */
  private readonly budget = new ByteBudget(MAX_OBSERVED_BYTES, () => this.hurry());
  private readonly stop = new AbortController();
  private rediscover: NodeJS.Timeout | undefined;
  private sweeper: NodeJS.Timeout | undefined;
  private discovering: Promise<void> = Promise.resolve();
  private sweeping: Promise<void> = Promise.resolve();
  private answers = true;

  constructor(private readonly options: ObserverOptions) {}

  start(): void {
    this.scheduleDiscovery(0);
    this.sweeper = setInterval(() => {
      this.sweeping = this.sweeping.then(() => this.sweep());
    }, this.options.timing.sweepMs);
  }

  /** Resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    clearTimeout(this.rediscover);
    clearInterval(this.sweeper);
    this.stop.abort();
    this.hurry();
    await this.discovering;
    await this.sweeping;
    await Promise.all([...this.running.values()].map(({ done }) => done));
  }

  private hurry(): void {
    this.options.recorder.hurry();
    this.options.events?.hurry();
  }

  /** True when every resource that may be watched has been listed. */
  get synced(): boolean {
    return (
      this.running.size > 0 &&
      [...this.running].every(([key, { progressAt }]) => progressAt !== null || this.refused.has(key))
    );
  }

  /**
   * How long ago (ms) the watch that is furthest behind showed something; null where none has. A quiet one shows a
   * bookmark about once a minute.
   */
  get lagMs(): number | null {
    const seen = [...this.running.values()].flatMap(({ progressAt }) => progressAt ?? []);
    return seen.length === 0 ? null : this.options.now() - Math.min(...seen);
  }

  private scheduleDiscovery(inMs: number): void {
    if (this.stop.signal.aborted) return;
    clearTimeout(this.rediscover);
    this.rediscover = setTimeout(() => {
      this.discovering = this.discovering.then(() => this.discover());
    }, inMs);
  }

  private async discover(): Promise<void> {
    let next = this.options.timing.discoverMs;
    try {
      const { resources, failed } = await discover(this.options.client, this.stop.signal);
      this.tellReached(true, '');
      for (const { group, error } of failed) {
        this.options.log.warn({ group, reason: messageOf(error) }, 'group not discovered');
        next = Math.min(next, this.options.timing.backoffMaxMs);
      }
      this.follow(resources, new Set(failed.map(({ group }) => group)));
    } catch (error) {
      if (this.stop.signal.aborted) return;
      this.tellReached(false, messageOf(error));
      this.options.log.warn({ reason: messageOf(error) }, 'API server not discovered');
      next = this.options.timing.backoffMaxMs;
    }
    this.scheduleDiscovery(next);
  }

  /** Starts what is new, stops what is gone. A group that could not be asked stays as it is. */
  private follow(resources: readonly WatchedResource[], unknownGroups: ReadonlySet<string>): void {
    const wanted = new Map(
      resources.filter((resource) => this.isWanted(resource)).map((resource) => [pathOf(resource), resource]),
    );
    for (const [key, running] of this.running) {
      if (wanted.has(key) || unknownGroups.has(running.resource.group)) continue;
      running.stop.abort();
      this.running.delete(key);
    }
    for (const [key, resource] of wanted) if (!this.running.has(key)) this.running.set(key, this.launch(key, resource));
  }

  private isWanted({ group, resource }: WatchedResource): boolean {
    // Which field a custom resource keeps its replicas in, only its definition tells, recorded or not.
    const defines = DEFINING.has(`${resource}.${group}`);
    if (this.eventsOf({ group, resource }) !== undefined) return true;
    return defines || ALWAYS_WATCHED.has(group) || !this.options.predicates.skipsResource(group, resource);
  }

  /** What takes Events, of their type alone. */
  private eventsOf(type: Pick<ResourceType, 'group' | 'resource'>): EventSink | undefined {
    return isEvents(type) ? this.options.events : undefined;
  }

  private launch(key: string, resource: WatchedResource): Running {
    const stop = new AbortController();
    const running: Running = { resource, stop, done: Promise.resolve(), progressAt: null };
    const { client, log, now } = this.options;
    const reflector = new Reflector(
      resource,
      client,
      this.sinkFor(running),
      {
        now,
        progress: (at) => {
          running.progressAt = at;
          this.refused.delete(key);
          this.tellReached(true, '');
        },
        forbidden: (message) => {
          running.progressAt = null;
          if (this.refused.has(key)) return;
          this.refused.add(key);
          log.warn(
            { resource: resource.resource, group: resource.group, reason: message },
            this.eventsOf(resource) === undefined
              ? 'not allowed to watch: settled by reviews alone'
              : 'not allowed to watch: no Events are recorded',
          );
        },
        failed: (error) => {
          log.info(
            { resource: resource.resource, group: resource.group, reason: messageOf(error) },
            'watch failed, trying again',
          );
          // Where it is the ledger that fails, the API server did answer.
          if (!isAnswer(error) && !isOfLedger(error)) this.tellReached(false, messageOf(error));
        },
      },
      this.options.timing,
      this.budget,
      this.options.reader,
    );
    running.done = reflector.run(AbortSignal.any([this.stop.signal, stop.signal]));
    return running;
  }

  private sinkFor(running: Running): FactSink {
    const { facts, tap, predicates } = this.options;
    const { resource } = running;
    const events = this.eventsOf(resource);
    // Unless a rule wants Events to be recorded as changes, too.
    if (events !== undefined && predicates.skipsResource(resource.group, resource.resource)) return events;
    const defines = DEFINING.has(`${resource.resource}.${resource.group}`);
    const changed = (): void => {
      if (defines) this.scheduleDiscovery(this.options.timing.settleDiscoveryMs);
    };
    // One after another, and nothing that is recorded waits for it.
    let last: Promise<void> = Promise.resolve();
    const tell = (told: (to: FactSink) => Promise<void>): Promise<void> => {
      if (tap === undefined) return last;
      const telling = last.then(() => told(tap));
      last = telling.catch(() => undefined);
      return telling;
    };
    const all = async (...parts: Promise<void>[]): Promise<void> => {
      await Promise.all(parts);
      changed();
    };
    return {
      observe: (object: ObjectRef, shown: Shown, mayWait: boolean) =>
        all(
          tell((to) => to.observe(object, shown, mayWait)),
          facts.observe(object, shown, running.progressAt, mayWait),
          ...(events === undefined ? [] : [events.observe(object, shown, mayWait)]),
        ),
      observeGone: (object: ObjectRef, resourceVersion: string) =>
        all(
          tell((to) => to.observeGone(object, resourceVersion)),
          facts.observeGone(object, resourceVersion, running.progressAt),
          ...(events === undefined ? [] : [events.observeGone(object)]),
        ),
      observeList: async (listed: WatchedResource, uids: ReadonlySet<string>, resourceVersion: string) => {
        await tell((to) => to.observeList(listed, uids, resourceVersion));
        await facts.observeList(listed, uids, resourceVersion, running.progressAt);
      },
    };
  }

  private tellReached(answers: boolean, reason: string): void {
    if (answers === this.answers) return;
    this.answers = answers;
    this.options.reached?.(answers, reason);
  }

  /** Drops the attempts that would have been seen by now: by the watch, or where that is quiet, by asking. */
  private async sweep(): Promise<void> {
    const { recorder, now, timing, log } = this.options;
    const decided = (at: number, seenAt: number): boolean => at + timing.dropAfterMs < seenAt;
    const watches = new Map([...this.running.values()].map((running) => [typeOf(running.resource), running]));
    try {
      const left = await recorder.settleUnseen(
        ({ object, at }) => decided(at, watches.get(typeOf(object))?.progressAt ?? 0),
        now(),
      );
      const looks = await this.look(
        left.filter(({ at }) => decided(at, now())).map(({ object }) => object),
        watches,
      );
      if (looks.size === 0) return;
      await recorder.settleUnseen((attempt) => {
        const seen = looks.get(headKey(attempt.object));
        return seen !== undefined && decided(attempt.at, seen.at) && showsNothingNew(attempt, seen);
      }, now());
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'unseen attempts not settled');
    }
  }

  /** What the API server says of some of the objects, by headKey(); where it does not answer, the next sweep asks again. */
  private async look(
    objects: readonly ObjectRef[],
    watches: ReadonlyMap<string, Running>,
  ): Promise<ReadonlyMap<string, Look>> {
    const looks = new Map<string, Look>();
    for (const object of objects) {
      const watch = watches.get(typeOf(object));
      // What may not be watched, or has not been listed yet, tells nothing.
      if (watch === undefined || watch.progressAt === null || looks.has(headKey(object))) continue;
      if (looks.size === LOOKS_A_SWEEP) break;
      const { client, now, log } = this.options;
      try {
        looks.set(headKey(object), await look(client, watch.resource, object, now(), this.stop.signal));
      } catch (error) {
        if (!this.stop.signal.aborted) log.info({ reason: messageOf(error) }, 'could not look for unseen attempts');
        break;
      }
    }
    return looks;
  }
}

function typeOf({ group, resource }: Pick<ResourceType, 'group' | 'resource'>): string {
  return `${resource}.${group}`;
}

/** True where the API server did answer, only not with what was asked for. */
function isAnswer(error: unknown): boolean {
  return error instanceof ApiStatusError || error instanceof SilentWatchError;
}
