import type { SqliteStore } from '../store/sqlite/store.ts';
import { FactsProjection } from './projection.ts';

/** How often what has been recorded is taken in, in ms, and how long each time. */
const EVERY_MS = 2_000;
const AT_ONCE_MS = 200;
/** How long a question waits for it. What is then still missing is derived from states. */
const WAIT_MS = 1_000;

/**
 * Keeps the facts of a ledger's objects in a file beside it, behind the recording, and lets a store answer from them. Where that file
 * cannot be used, they are derived from states: slower, and the same.
 */
export function keepFacts(path: string, store: SqliteStore): { stop: () => void } {
  let projection: FactsProjection | null = openProjection(path);
  store.factsSource = async (seq) => {
    try {
      return (await projection?.at(seq, WAIT_MS)) ?? null;
    } catch {
      giveUp();
      return null;
    }
  };
  const giveUp = (): void => {
    projection?.close();
    projection = null;
  };
  const timer = setInterval(() => void projection?.catchUp(AT_ONCE_MS).catch(giveUp), EVERY_MS);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      giveUp();
    },
  };
}

function openProjection(path: string): FactsProjection | null {
  for (const file of [`${path}.facts`, ':memory:']) {
    try {
      return new FactsProjection(path, file);
    } catch {
      // A folder that cannot be written to, or a file that is damaged.
    }
  }
  return null;
}
