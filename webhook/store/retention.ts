import type { Logger } from 'pino';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import type { FoldResult } from './sqlite/fold.ts';

export interface RetentionPolicy {
  /** History older than this is folded; null keeps it whatever its age. */
  ageMs: number | null;
  /** Where the ledger uses more, its oldest history is folded; null lets it grow. */
  bytes: number | null;
}

/** What of a store can be folded: SqliteStore. */
export interface Foldable {
  fold(before: number, now: number): Promise<FoldResult | null>;
  usedBytes(): Promise<number>;
}

export interface RetentionOptions {
  store: Foldable;
  policy: RetentionPolicy;
  now: () => number;
  /** Runs a fold between two appends: Recorder.maintain. */
  between: <T>(work: () => Promise<T>) => Promise<T>;
}

const HOUR_MS = 60 * 60 * 1000;
const UNITS: Record<string, number> = { h: HOUR_MS, d: 24 * HOUR_MS, w: 7 * 24 * HOUR_MS };
const SIZES: Record<string, number> = { Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** The last hour is never folded: requests that were admitted in it may still be settled. */
const MIN_AGE_MS = HOUR_MS;

/** Folds what the policy does not keep. Returns how many changes were removed. Rejects with what a fold rejects with. */
export async function enforce({ store, policy, now, between }: RetentionOptions): Promise<number> {
  let removed = 0;
  const foldWhile = async (before: number, wanted: () => Promise<boolean>): Promise<void> => {
    while (await wanted()) {
      const result = await between(() => store.fold(before, now()));
      if (result === null) return;
      removed += result.removed;
    }
  };
  const { ageMs, bytes } = policy;
  if (ageMs !== null) await foldWhile(now() - ageMs, () => Promise.resolve(true));
  if (bytes !== null) await foldWhile(now() - MIN_AGE_MS, async () => (await store.usedBytes()) > bytes);
  return removed;
}

/** Reads `90d`, `12h`, `8w`, and `10Gi`, `500Mi`. Throws config-invalid. */
export function readPolicy(age: string | undefined, size: string | undefined): RetentionPolicy {
  const ageMs = age === undefined ? null : quantity(age, UNITS, '--retain-age', 'KUBEBLAME_RETAIN_AGE', '90d or 12h');
  const bytes =
    size === undefined ? null : quantity(size, SIZES, '--retain-size', 'KUBEBLAME_RETAIN_SIZE', '10Gi or 500Mi');
  return { ageMs, bytes };
}

function quantity(text: string, units: Record<string, number>, option: string, variable: string, like: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = units[unit];
  if (count === '' || factor === undefined) {
    throw new KubeblameError('config-invalid', `${option} (${variable}): "${text}" is not like ${like}`);
  }
  return Number(count) * factor;
}

/** How often the server looks whether there is something to fold. */
const EVERY_MS = 10 * 60 * 1000;

/** Enforces the policy now and then. Returns a function that ends it, when what is under way is done. */
export function startRetention(options: RetentionOptions & { log: Logger }): () => Promise<void> {
  const { policy, log } = options;
  if (policy.ageMs === null && policy.bytes === null) return () => Promise.resolve();
  let running = Promise.resolve();
  const run = (): void => {
    running = running.then(async () => {
      try {
        const removed = await enforce(options);
        if (removed > 0) log.info({ removed }, 'old history folded');
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'old history not folded');
      }
    });
  };
  const timer = setInterval(run, EVERY_MS);
  run();
  return () => {
    clearInterval(timer);
    return running;
  };
}
