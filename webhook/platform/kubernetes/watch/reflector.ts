import { messageOf } from '../../../../shared/errors.ts';
import { isObject } from '../../../../shared/json.ts';
import { metadataText, normalise, refOf } from '../../../../shared/normalise.ts';
import type { JsonObject, ObjectRef } from '../../../../shared/types.ts';
import { ApiStatusError, type ApiClient, type Received } from '../api-client.ts';
import type { ByteBudget } from './byte-budget.ts';
import { pathOf, type WatchedResource } from '../discovery.ts';
import { InOrder } from './in-order.ts';
import type { Shown } from './shown.ts';
import { SilentWatchError, watchUntilSilent } from './silent-watch.ts';

/** Where facts go, in the order of the calls. Each resolves when it is durable. */
export interface FactSink {
  /** `mayWait`: it may share a commit with what comes in the next half second. */
  observe(object: ObjectRef, shown: Shown, mayWait: boolean): Promise<void>;
  /** May wait, too. */
  observeGone(object: ObjectRef, resourceVersion: string): Promise<void>;
  /** A whole list is in: whatever of its type was known and is not among these uids is gone. */
  observeList(resource: WatchedResource, uids: ReadonlySet<string>, resourceVersion: string): Promise<void>;
}

/** An event of a watch. */
export interface WatchEvent {
  /** ADDED, MODIFIED, DELETED, BOOKMARK. */
  type: string;
  object: ObjectRef;
  shown: Shown;
}

/** Reads the text of an event; null where it must be parsed as a whole. */
export interface EventReader {
  readEvent(text: Buffer, resource: WatchedResource): WatchEvent | null;
}

export interface ReflectorEvents {
  /** The present (ms). */
  now(): number;
  /** Facts up to a moment (ms) have been taken in. */
  progress(at: number): void;
  /** Said once: this resource may not be listed or watched. */
  forbidden(message: string): void;
  failed(error: unknown): void;
}

export interface ReflectorTiming {
  /** How long one watch lasts, in seconds; the server ends it. */
  watchSeconds: number;
  /** A watch without an event or bookmark for so long is taken for dead. Bookmarks come about once a minute. */
  silenceMs: number;
  backoffMinMs: number;
  backoffMaxMs: number;
  /** How long to wait before asking again for what was forbidden. */
  forbiddenMs: number;
}

export const REFLECTOR_TIMING: ReflectorTiming = {
  watchSeconds: 290,
  silenceMs: 150_000,
  backoffMinMs: 500,
  backoffMaxMs: 30_000,
  forbiddenMs: 600_000,
};

/** Objects of the first page of a list, while it is not known how large they are, and of any page at most. */
const FIRST_LIMIT = 100;
const MAX_LIMIT = 500;
/**
 * What a page should have at most: the API server ends a request after a minute, and one that is not read as fast as it
 * comes must be through by then.
 */
const PAGE_BYTES = 32 * 1024 * 1024;
/** A watch without an event that ends within this time was none: so long does a useful one last at least. */
const SHORT_WATCH_MS = 1_000;
/** Items of a list, and events of a watch, whose recording may be under way at once: they share commits. */
const IN_FLIGHT = 64;
const EVENTS_IN_FLIGHT = 256;

/** Lists one resource and watches it from there, for as long as it lasts. Keeps nothing of what it sees. */
export class Reflector {
  /** The version up to which everything has been taken in; '' before the first list. */
  private resourceVersion = '';
  private failures = 0;

  constructor(
    private readonly resource: WatchedResource,
    private readonly client: ApiClient,
    private readonly sink: FactSink,
    private readonly events: ReflectorEvents,
    private readonly timing: ReflectorTiming,
    /** Over all that is in hand of what was received, of this type and others. */
    private readonly budget: ByteBudget,
    private readonly reader: EventReader,
  ) {}

  /** Runs until the signal. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.resourceVersion === '') await this.list(signal);
        const from = performance.now();
        const taken = await this.watch(signal);
        // Something in between may end every watch at once: it is not asked in a tight loop.
        if (taken === 0 && performance.now() - from < SHORT_WATCH_MS) await this.backOff(signal);
        else this.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        await this.recover(error, signal);
      }
    }
  }

  private async recover(error: unknown, signal: AbortSignal): Promise<void> {
    const status = error instanceof ApiStatusError ? error.status : 0;
    if (status === 410) {
      this.resourceVersion = '';
      // A new list helps; where it does not, more of them do not either.
      if (this.failures === 0) this.failures = 1;
      else await this.backOff(signal);
      return;
    }
    if (status === 401 || status === 403) {
      this.events.forbidden(messageOf(error));
      await sleep(this.timing.forbiddenMs, signal);
      return;
    }
    const reason = error instanceof SilentWatchError ? await this.probe(error, signal) : error;
    // A stop ends the question too, which says nothing about the API server.
    if (signal.aborted) return;
    this.events.failed(reason);
    await this.backOff(signal);
  }

  /** A watch that is silent may only have lost its connection: asks whether the API server is there at all. */
  private async probe(silence: SilentWatchError, signal: AbortSignal): Promise<unknown> {
    try {
      await this.client.get('/version', signal);
      return silence;
    } catch (error) {
      return error instanceof ApiStatusError ? silence : error;
    }
  }

  private async backOff(signal: AbortSignal): Promise<void> {
    const { backoffMinMs, backoffMaxMs } = this.timing;
    const backoff = Math.min(backoffMaxMs, backoffMinMs * 2 ** this.failures++);
    // Jitter: after a restart of the API server not everybody comes back at once.
    await sleep(backoff * (0.5 + Math.random() / 2), signal);
  }

  private async list(signal: AbortSignal): Promise<void> {
    const uids = new Set<string>();
    let next = '';
    let version: string;
    let limit = FIRST_LIMIT;
    do {
      const query = new URLSearchParams({ limit: String(limit), ...(next === '' ? {} : { continue: next }) });
      const { rest, items, bytes } = await this.listPage(`${pathOf(this.resource)}?${query.toString()}`, uids, signal);
      next = metadataText(rest, 'continue');
      version = metadataText(rest, 'resourceVersion');
      limit = Math.max(1, Math.min(MAX_LIMIT, Math.floor((PAGE_BYTES * items) / Math.max(bytes, 1))));
    } while (next !== '');
    await this.sink.observeList(this.resource, uids, version);
    this.resourceVersion = version;
    this.events.progress(this.events.now());
  }

  /** Takes in a page of a list, and its uids. Resolves with the document without its items, their number and their bytes. */
  private async listPage(
    path: string,
    uids: Set<string>,
    signal: AbortSignal,
  ): Promise<{ rest: JsonObject; items: number; bytes: number }> {
    const page = this.client.list(path, signal);
    let flow: Promise<void>[] = [];
    let [items, bytes] = [0, 0];
    try {
      for (;;) {
        const next = await page.next();
        if (next.done === true) {
          await Promise.all(flow);
          return { rest: next.value, items, bytes };
        }
        const item = next.value;
        await this.budget.take(item.bytes);
        const taken = this.takeItem(item, uids).finally(() => this.budget.give(item.bytes));
        // It is waited for below; where the list fails before that, nobody does.
        taken.catch(() => undefined);
        flow.push(taken);
        [items, bytes] = [items + 1, bytes + item.bytes];
        if (flow.length < IN_FLIGHT) continue;
        await Promise.all(flow);
        flow = [];
      }
    } finally {
      // Where an item could not be taken in, the rest of the page must not stay on its way.
      await page.return({});
    }
  }

  private async takeItem(item: Received, uids: Set<string>): Promise<void> {
    // Items of a list of a built-in type do not repeat what they are.
    const object = { ...item.read(), apiVersion: apiVersionOf(this.resource), kind: this.resource.kind };
    uids.add(metadataText(object, 'uid'));
    await this.sink.observe(refOf(object, this.resource), normalise(object), false);
  }

  /** Resolves with the number of events that came, when the server has ended the watch. */
  private async watch(signal: AbortSignal): Promise<number> {
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.resourceVersion,
      timeoutSeconds: String(this.timing.watchSeconds),
    });
    const path = `${pathOf(this.resource)}?${query.toString()}`;
    const failed = new AbortController();
    const events = watchUntilSilent(this.client, path, this.timing.silenceMs, AbortSignal.any([signal, failed.signal]));
    // An event waits for its commit beside others. What fails stops the watch, which then goes on from before it.
    const flow = new InOrder(() => failed.abort());
    let taken = 0;
    try {
      for await (const event of events) {
        await this.budget.take(event.bytes);
        flow.add(this.take(event).finally(() => this.budget.give(event.bytes)));
        if (++taken % EVENTS_IN_FLIGHT === 0) await flow.done();
      }
    } catch (error) {
      await flow.done();
      throw error;
    }
    await flow.done();
    return taken;
  }

  /** Takes in an event. Resolves when that is durable, to what says so. */
  private async take(event: Received): Promise<() => void> {
    const at = this.events.now();
    const { type, object, shown } = this.reader.readEvent(event.text, this.resource) ?? readWhole(event, this.resource);
    if (type === 'ADDED' || type === 'MODIFIED') await this.sink.observe(object, shown, true);
    else if (type === 'DELETED') await this.sink.observeGone(object, shown.resourceVersion);
    return () => {
      if (shown.resourceVersion !== '') this.resourceVersion = shown.resourceVersion;
      this.failures = 0;
      this.events.progress(at);
    };
  }
}

/** An event that is not as most are: parsed as a whole. Throws ApiStatusError where it tells of an error. */
function readWhole(event: Received, resource: WatchedResource): WatchEvent {
  const { type, object } = event.read();
  const whole = isObject(object) ? object : {};
  if (type === 'ERROR') {
    throw new ApiStatusError(
      typeof whole.code === 'number' ? whole.code : 500,
      typeof whole.message === 'string' ? whole.message : 'watch error',
    );
  }
  return { type: typeof type === 'string' ? type : '', object: refOf(whole, resource), shown: normalise(whole) };
}

function apiVersionOf({ group, version }: WatchedResource): string {
  return group === '' ? version : `${group}/${version}`;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
