import { Wake } from '../../../platform/threads/wake.ts';

/**
 * Reviews and facts are gathered for so long before they are handed over: what a commit costs is shared by all in it. While
 * reviews come one after another, they are answered first: the recorder waits for such a pause, at most so long.
 */
const GATHER_MS = 250;
const PAUSE_MS = 10;
const MAX_GATHER_MS = 500;

/** The time in which what comes is gathered for one commit (docs/decisions/0054). */
export class Gathering {
  /** Nothing more is waited for. */
  private urgent = false;
  private readonly urgency = new Wake();

  /** `newest`: the number of the last review that has come. */
  constructor(private readonly newest: () => number) {}

  /** Resolves when what has come has its turn. */
  async wait(): Promise<void> {
    const end = performance.now() + MAX_GATHER_MS;
    let newest = this.newest();
    for (let pause = GATHER_MS; !this.urgent && performance.now() < end; pause = PAUSE_MS) {
      await this.urgency.wait(pause);
      if (this.newest() === newest) return;
      newest = this.newest();
    }
  }

  /** What waits has its turn now. */
  hurry(): void {
    this.urgent = true;
    this.urgency.call();
  }

  /** What was gathered is handed over: what comes from now on may wait. */
  end(): void {
    this.urgent = false;
  }
}
