import { existsSync } from 'node:fs';
import type { SqliteStore } from '../../../ledger/sqlite/store/store.ts';
import { FactsProjection } from './projection.ts';

/** How often what has been recorded is taken in, in ms, and how long each time. */
const EVERY_MS = 2_000;
const AT_ONCE_MS = 200;
/** How long a question waits for it. What is then still missing is derived from states. */
const WAIT_MS = 1_000;

/**
 * Keeps the facts of a ledger's objects in a file beside it, behind the recording, and lets a store answer from them. It begins with
 * the first question: who never asks for the graph pays nothing for it. Until it has come up to the present, and where its file
 * cannot be used, facts are derived from states: slower, and the same.
 */
export function keepFacts(path: string, store: SqliteStore): { stop: () => void } {
  let projection: FactsProjection | null = null;
  let timer: NodeJS.Timeout | undefined;
  let begun = false;
  const giveUp = (): void => {
    projection?.close();
    projection = null;
  };
  const begin = (): void => {
    begun = true;
    projection = openProjection(path);
    timer = setInterval(() => void projection?.catchUp(AT_ONCE_MS).catch(giveUp), EVERY_MS);
    timer.unref();
  };
  // Somebody asked before.
  if (existsSync(fileOf(path))) begin();
  store.factsSource = async (seq) => {
    if (!begun) begin();
    try {
      return (await projection?.at(seq, WAIT_MS)) ?? null;
    } catch {
      giveUp();
      return null;
    }
  };
  return {
    stop: () => {
      begun = true;
      clearInterval(timer);
      giveUp();
    },
  };
}

function fileOf(ledger: string): string {
  return `${ledger}.facts`;
}

function openProjection(path: string): FactsProjection | null {
  for (const file of [fileOf(path), ':memory:']) {
    try {
      return new FactsProjection(path, file);
    } catch {
      // A folder that cannot be written to, or a file that is damaged.
    }
  }
  return null;
}
