import { setImmediate as breathe } from 'node:timers/promises';
import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../../shared/errors.ts';
import { FloodFinder, NO_FLOODS, type Floods, type Written } from './floods.ts';

export interface RetentionPolicy {
  /** History older than this is folded; null keeps it whatever its age. */
  ageMs: number | null;
  /** Where the ledger uses more, its oldest history is folded; null lets it grow. */
  bytes: number | null;
  /** What matters for security is kept until it is so old (security.ts), or the size allows nothing else; null: no limit. */
  securityMs: number | null;
}

/** Which history is to be given up. */
export interface FoldRequest {
  /** History before this moment is folded (ms). */
  before: number;
  /** But what matters for security only before this one (ms); the same moment unless given. */
  securityBefore?: number;
  /** Where it is given, only changes of these users are removed. */
  onlyOf?: readonly string[];
  /** The present (ms). */
  now: number;
}

/** What a step of it has done. */
export interface FoldResult {
  /** Changes removed. */
  removed: number;
  /** Nothing is known of states before (ms). */
  horizonAt: number;
}

/** What of a store can be folded and shortened: SqliteStore. */
export interface Foldable {
  shortenable(afterSeq: number, toSeq: number): Promise<{ attempts: number[]; upTo: number } | null>;
  shorten(attempts: readonly number[], now: number): Promise<number>;
  fold(request: FoldRequest): Promise<FoldResult | null>;
  usedBytes(): Promise<number>;
  seqAt(at: number): Promise<number>;
  /** Who wrote the changes after one, and how many bytes: written.ts. */
  written(afterSeq: number, limit: number): Promise<Written[]>;
}

export interface RetentionOptions {
  store: Foldable;
  policy: RetentionPolicy;
  now: () => number;
  /** Runs a step of a fold between two appends: Recorder.maintain. */
  between: <T>(work: () => Promise<T>) => Promise<T>;
  /** Why nothing may be folded at present, such as a clock that is not to be trusted; null where nothing speaks against it. */
  heldBack?: () => string | null;
  /** Ends it behind the step that is under way. */
  stop?: AbortSignal;
  /** Who has flooded the ledger; one that is kept reads each change once. */
  finder?: FloodFinder;
  /** The last attempt that was looked at, to be shortened; one that is kept is gone on from. */
  attemptsFrom?: { seq: number };
}

export interface Enforced {
  /** Changes removed. */
  removed: number;
  /** Attempts that were never persisted, of whose bodies only the beginning is left now. */
  shortened: number;
  /** Why it was held back, or not done to the end; null where it was. */
  heldBack: string | null;
  /** Users who flood the ledger: their changes were folded before those of others. */
  floods: readonly string[];
}

const HOUR_MS = 60 * 60 * 1000;
const UNITS: Record<string, number> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };
const SIZES: Record<string, number> = { Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** The last hour is never folded: requests that were admitted in it may still be settled. */
const MIN_AGE_MS = HOUR_MS;
/** A user who writes so large a part of `--retain-size` within an hour floods the ledger. */
const FLOOD_SHARE = 1 / 16;
/** What an attempt asked for that was never persisted is kept whole for so long. */
const ATTEMPT_MS = 24 * HOUR_MS;
/** What matters for security is kept so many times as long as the rest, unless told otherwise. */
const SECURITY_TIMES = 10;

/** Shortens old attempts, and folds what the policy does not keep, step by step. Rejects with what a fold rejects with. */
export async function enforce(options: RetentionOptions): Promise<Enforced> {
  const { store, policy, now, between, stop } = options;
  const enforced: Enforced = { removed: 0, shortened: 0, heldBack: null, floods: [] };
  /** Resolves to false where it is not to go on. */
  const foldWhile = async (
    limits: () => Omit<FoldRequest, 'now'>,
    wanted: () => Promise<boolean>,
  ): Promise<boolean> => {
    while (await wanted()) {
      if (stop?.aborted === true) return false;
      // Asked before each step: what is folded is gone for good.
      enforced.heldBack = options.heldBack?.() ?? null;
      if (enforced.heldBack !== null) return false;
      const result = await between(() => store.fold({ ...limits(), now: now() }));
      if (result === null) return true;
      enforced.removed += result.removed;
      // A writer of this thread never lets anything else have its turn.
      await breathe();
    }
    return true;
  };
  if (!(await shortenAttempts(options, enforced))) return enforced;
  const { ageMs, bytes, securityMs } = policy;
  const securityBefore = (): number => (securityMs === null ? 0 : now() - securityMs);
  if (ageMs !== null) {
    const always = (): Promise<boolean> => Promise.resolve(true);
    if (!(await foldWhile(() => ({ before: now() - ageMs, securityBefore: securityBefore() }), always)))
      return enforced;
  }
  if (bytes !== null) {
    const isLarge = async (): Promise<boolean> => (await store.usedBytes()) > bytes;
    if (!(await isLarge())) return enforced;
    const before = (): number => now() - MIN_AGE_MS;
    const ordinary = (): Omit<FoldRequest, 'now'> => ({ before: before(), securityBefore: securityBefore() });
    const { users, recentBytes } = await floodsOf(options, bytes * FLOOD_SHARE);
    if (users.length > 0) {
      enforced.floods = users;
      if (!(await foldWhile(() => ({ ...ordinary(), onlyOf: users }), isLarge))) return enforced;
    }
    // What they wrote within the last hour cannot be folded yet, and will be: nobody else's history is given up for it.
    const isTooLarge = async (): Promise<boolean> => (await store.usedBytes()) - recentBytes > bytes;
    // What matters for security goes last: only where nothing else is left to go.
    if (!(await foldWhile(ordinary, isTooLarge))) return enforced;
    await foldWhile(() => ({ before: before(), securityBefore: before() }), isTooLarge);
  }
  return enforced;
}

/** Shortens the attempts that were never persisted and are a day old. Resolves to false where it is not to go on. */
async function shortenAttempts(options: RetentionOptions, enforced: Enforced): Promise<boolean> {
  const { store, now, between, stop, attemptsFrom = { seq: 0 } } = options;
  const to = await store.seqAt(now() - ATTEMPT_MS);
  for (;;) {
    if (stop?.aborted === true) return false;
    const next = await store.shortenable(attemptsFrom.seq, to);
    if (next === null) return true;
    if (next.attempts.length > 0) {
      enforced.heldBack = options.heldBack?.() ?? null;
      if (enforced.heldBack !== null) return false;
      enforced.shortened += await between(() => store.shorten(next.attempts, now()));
    }
    attemptsFrom.seq = next.upTo;
    await breathe();
  }
}

async function floodsOf(
  { store, now, stop, finder = new FloodFinder() }: RetentionOptions,
  bytesAnHour: number,
): Promise<Floods> {
  return stop?.aborted === true ? NO_FLOODS : finder.find(store, now(), bytesAnHour);
}

/** Reads `90d`, `12h`, `8w`, and `10Gi`, `500Mi`. Throws config-invalid. */
export function readPolicy(age: string | undefined, size: string | undefined, security?: string): RetentionPolicy {
  const quantityOf = (text: string | undefined, of: Of): number | null =>
    text === undefined ? null : quantity(text, of);
  const ageMs = quantityOf(age, AGE);
  const bytes = quantityOf(size, SIZE);
  const securityMs = quantityOf(security, SECURITY) ?? (ageMs === null ? null : SECURITY_TIMES * ageMs);
  if (security !== undefined && ageMs === null && bytes === null) {
    throw new KubeblameError(
      'config-invalid',
      `${SECURITY.option} (${SECURITY.variable}) says how much longer to keep some history, and nothing is folded`,
      'give --retain-age or --retain-size too, or leave it out',
    );
  }
  if (ageMs !== null && securityMs !== null && securityMs < ageMs) {
    throw new KubeblameError(
      'config-invalid',
      `${SECURITY.option} (${SECURITY.variable}): "${security ?? ''}" is shorter than --retain-age`,
      'what matters for security is kept at least as long as the rest',
    );
  }
  return { ageMs, bytes, securityMs };
}

/** What of Kubernetes Events is kept. */
export interface EventPolicy {
  ageMs: number;
  bytes: number;
}

/** Reads `30d` and `256Mi`; null where none are kept. Throws config-invalid. */
export function readEventPolicy(age: string, size: string): EventPolicy | null {
  return age === 'none' ? null : { ageMs: quantity(age, EVENT_AGE), bytes: quantity(size, EVENT_SIZE) };
}

interface Of {
  units: Record<string, number>;
  option: string;
  variable: string;
  like: string;
}

const AGE: Of = { units: UNITS, option: '--retain-age', variable: 'KUBEBLAME_RETAIN_AGE', like: '90d or 12h' };
const SIZE: Of = { units: SIZES, option: '--retain-size', variable: 'KUBEBLAME_RETAIN_SIZE', like: '10Gi or 500Mi' };
const EVENT_AGE: Of = { units: UNITS, option: '--retain-events', variable: 'KUBEBLAME_RETAIN_EVENTS', like: '30d or 12h, or none' }; // prettier-ignore
const EVENT_SIZE: Of = { units: SIZES, option: '--retain-events-size', variable: 'KUBEBLAME_RETAIN_EVENTS_SIZE', like: '256Mi or 1Gi' }; // prettier-ignore
const SECURITY: Of = { units: UNITS, option: '--retain-security', variable: 'KUBEBLAME_RETAIN_SECURITY', like: '900d' };

function quantity(text: string, { units, option, variable, like }: Of): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units[unit];
  if (count === '' || factor === undefined) {
    throw new KubeblameError('config-invalid', `${option} (${variable}): "${text}" is not like ${like}`);
  }
  return Number(count) * factor;
}

/** How often the server looks whether there is something to fold. */
const EVERY_MS = 10 * 60 * 1000;

/** Enforces the policy now and then. Returns a function that ends it, behind the step that is under way. */
export function startRetention(options: Omit<RetentionOptions, 'stop'> & { log: Logger }): () => Promise<void> {
  const { log } = options;
  const stopping = new AbortController();
  const [finder, attemptsFrom] = [new FloodFinder(), { seq: 0 }];
  let running = Promise.resolve();
  const run = (): void => {
    running = running.then(async () => {
      try {
        const enforced = await enforce({ ...options, finder, attemptsFrom, stop: stopping.signal });
        const { removed, shortened, heldBack, floods } = enforced;
        if (shortened > 0) log.info({ attempts: shortened }, 'attempts that were never persisted shortened');
        if (floods.length > 0) log.warn({ users: floods }, 'users flood the ledger: their changes are folded first');
        if (removed > 0) log.info({ removed }, 'old history folded');
        if (heldBack !== null) log.warn({ reason: heldBack }, 'old history not folded');
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'old history not folded');
      }
    });
  };
  const timer = setInterval(run, EVERY_MS);
  run();
  return () => {
    clearInterval(timer);
    stopping.abort();
    return running;
  };
}
