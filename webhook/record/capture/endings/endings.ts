import { setTimeout as sleep } from 'node:timers/promises';
import type { Ending } from './ending.ts';

export interface EndingsOptions {
  /** Ends some of what an ending concerns, and commits that. Resolves with what is left; null where that is nothing. */
  endPage: (ending: Ending) => Promise<Ending | null>;
  /** Told of what a page fails with: it is tried again. */
  failing: (error: unknown) => void;
}

const RETRY_MS = 1_000;

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
