/** Silent in the first second. */
const SILENT_MS = 1000;
const EVERY_MS = 200;

/**
 * Says on a terminal's stderr that work goes on, once it has taken a second: one line, which is wiped before anything
 * else is written.
 */
export class Progress {
  private readonly started: number;
  private shownAt = 0;
  private shown = false;
  private label = 'asking';
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly write: (text: string) => void,
    private readonly clock: () => number,
  ) {
    this.started = clock();
    this.timer = setInterval(() => this.draw(), EVERY_MS);
    this.timer.unref();
  }

  /** What has been done so far. Also called where nothing else gets a turn: a ledger file is read synchronously. */
  tick(label: string): void {
    this.label = label;
    this.draw();
  }

  /** Wipes the line; it may come again. */
  wipe(): void {
    if (this.shown) this.write('\r\u001b[K');
    this.shown = false;
  }

  /** For good. */
  stop(): void {
    clearInterval(this.timer);
    this.wipe();
  }

  private draw(): void {
    const now = this.clock();
    if (now - this.started < SILENT_MS || now - this.shownAt < EVERY_MS) return;
    this.shownAt = now;
    this.shown = true;
    this.write(`\r\u001b[K${this.label}, ${Math.floor((now - this.started) / 1000)} s`);
  }
}
