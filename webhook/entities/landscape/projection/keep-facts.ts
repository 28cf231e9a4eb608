import { existsSync, rmSync } from 'node:fs';
import { messageOf } from '../../../../shared/errors.ts';
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
 * cannot be used, facts are derived from states: slower, and the same. `tell`: of a file that could not be used, once or twice.
 */
export function keepFacts(path: string, store: SqliteStore, tell: (text: string) => void): { stop: () => void } {
  let projection: FactsProjection | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isBegun = false;
  let mayBegin = true;
  /** `of`: several may wait for one that fails. */
  const failed = (of: FactsProjection, error: unknown): void => {
    // Another process is at work in the file: that passes.
    if (of !== projection || isBusy(error)) return;
    projection.close();
    projection = mayBegin ? makeFactsAnew(path, error, tell) : null;
    if (projection === null) clearInterval(timer);
    // Whatever it fails of next will not pass by making it anew.
    mayBegin = false;
  };
  const begin = (): void => {
    isBegun = true;
    projection = openFacts(path, tell);
    const takeIn = (of: FactsProjection): void =>
      void of.catchUp(AT_ONCE_MS).catch((error: unknown) => failed(of, error));
    timer = setInterval(() => projection !== null && takeIn(projection), EVERY_MS);
    timer.unref();
  };
  // Somebody asked before.
  if (existsSync(factsFile(path))) begin();
  store.factsSource = async (seq) => {
    if (!isBegun) begin();
    const asked = projection;
    if (asked === null) return null;
    try {
      return await asked.at(seq, WAIT_MS);
    } catch (error) {
      failed(asked, error);
      return null;
    }
  };
  return {
    stop: () => {
      isBegun = true;
      clearInterval(timer);
      projection?.close();
      projection = null;
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}

/** Where the facts of a ledger are kept. */
export function factsFile(ledger: string): string {
  return `${ledger}.facts`;
}

/** Opens the facts of a ledger. A file that cannot be used is made anew, or else they are kept in memory; null where that fails too. */
export function openFacts(path: string, tell: (text: string) => void): FactsProjection | null {
  try {
    const projection = new FactsProjection(path, factsFile(path));
    const { anew } = projection;
    if (anew !== null) tell(`the facts of objects in ${factsFile(path)} are ${anew}: they are derived anew`);
    return projection;
  } catch (error) {
    return makeFactsAnew(path, error, tell);
  }
}

/** The same without what is in the file, which could not be used. */
export function makeFactsAnew(path: string, error: unknown, tell: (text: string) => void): FactsProjection | null {
  tell(`the facts of objects in ${factsFile(path)} cannot be used (${messageOf(error)}): they are derived anew`);
  for (const file of [factsFile(path), ':memory:']) {
    try {
      for (const end of file === ':memory:' ? [] : ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
      return new FactsProjection(path, file);
    } catch {
      // A folder that cannot be written to; or the ledger is gone.
    }
  }
  return null;
}
