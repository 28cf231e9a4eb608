import { setTimeout as sleep } from 'node:timers/promises';
import type { LedgerStore } from '../../../ledger/port/port.ts';
import { endingOf, type Ending } from './ending.ts';

export interface EndingsOptions {
  /** Ends some of what an ending concerns, and commits that. Resolves with what is left; null where that is nothing. */
  endPage: (ending: Ending) => Promise<Ending | null>;
  /** Told of what a page fails with: it is tried again. */
  failing: (error: unknown) => void;
}

const RETRY_MS = 1_000;
/** So far back from the newest change it is looked, at the start, for an end whose contents have not all ended. */
const ENDINGS_BACK_MS = 60 * 60 * 1000;
/** Changes of namespaces, and of definitions, that are looked at then. */
const MAX_ENDINGS = 10_000;

/**
 * Ends what was in a namespace that has ended, or what a definition defined, page by page: a namespace can hold a hundred
 * thousand objects, and reviews are recorded between two pages. What a stop leaves undone is found again at the next
 * start (Recorder.open).
 */
export class Endings {
  private readonly left: Ending[] = [];
  private running: Promise<void> | null = null;
  private readonly closing = new AbortController();

  constructor(private readonly options: EndingsOptions) {}

  add(endings: readonly Ending[]): void {
    this.left.push(...endings);
    if (this.left.length === 0 || this.closing.signal.aborted) return;
    this.running ??= this.run().finally(() => (this.running = null));
  }

  /** Resolves when all that was added so far is done. */
  async done(): Promise<void> {
    await this.running;
  }

  /** Ends after the page that is under way. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let ending = this.left[0]; ending !== undefined && !signal.aborted; ending = this.left[0]) {
      try {
        const rest = await this.options.endPage(ending);
        this.left.splice(0, 1, ...(rest === null ? [] : [rest]));
      } catch (error) {
        if (signal.aborted) return;
        this.options.failing(error);
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }
}

/** The ends of the last hour before a moment (ms): a process that was killed may not have ended all that they held. */
export async function endingsLeft(store: LedgerStore, at: number): Promise<Ending[]> {
  const minSeq = (await store.seqAt(at - ENDINGS_BACK_MS)) + 1;
  const endings: Ending[] = [];
  for (const type of [
    { group: '', resource: 'namespaces' },
    { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' },
  ]) {
    for (const { object, seq, effect, outcome, resourceVersion } of await store.changes(
      { type, minSeq },
      MAX_ENDINGS,
    )) {
      const ending = effect === 'deleted' && outcome !== 'dropped' ? endingOf(object, seq, resourceVersion) : null;
      if (ending !== null) endings.push(ending);
    }
  }
  return endings;
}
