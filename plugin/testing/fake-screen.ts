import { setImmediate } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Screen, ScreenEvent } from '../browser/screen.ts';

/** A terminal that only keeps what it was told to show. */
export class FakeScreen implements Screen {
  /** As it was painted last, with its escape sequences. */
  painted: readonly string[] = [];
  closed = false;
  private handler: (event: ScreenEvent) => void = () => undefined;

  constructor(
    public columns = 80,
    public rows = 24,
  ) {}

  size(): { columns: number; rows: number } {
    return { columns: this.columns, rows: this.rows };
  }

  paint(lines: readonly string[]): void {
    this.painted = lines;
  }

  listen(handler: (event: ScreenEvent) => void): void {
    this.handler = handler;
  }

  close(): void {
    this.closed = true;
  }

  /** What is on the screen, without colours. */
  get lines(): string[] {
    return this.painted.map((line) => stripVTControlCharacters(line).trimEnd());
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** The lines of the row that is chosen, or in which something was found. */
  get chosen(): string[] {
    return this.lines.filter((_, index) => this.painted[index]?.includes('\u001b[7m') === true);
  }

  /** Presses keys one after the other: `down`, `return`, `^c`, or what is typed. */
  async press(...names: string[]): Promise<void> {
    for (const name of names) {
      const text = name === 'space' ? ' ' : [...name].length === 1 ? name : '';
      this.handler({ kind: 'key', key: { name, text } });
      await this.settle();
    }
  }

  async type(text: string): Promise<void> {
    await this.press(...[...text].map((each) => (each === ' ' ? 'space' : each)));
  }

  async resize(columns: number, rows: number): Promise<void> {
    Object.assign(this, { columns, rows });
    this.handler({ kind: 'resize' });
    await this.settle();
  }

  /** Waits until what is shown has stayed the same for a while: reading from a file takes some turns. */
  async settle(): Promise<void> {
    for (let quiet = 0, before = this.painted; quiet < SETTLED; quiet++) {
      await setImmediate();
      if (this.painted !== before || WORKING.test(this.lines.at(-1) ?? '')) quiet = 0;
      before = this.painted;
    }
  }
}

/** What the last line says while something is read. */
const WORKING = /^(?:loading|reading|searching) ?.*…$/;
/** Turns of the event loop in which nothing was painted. */
const SETTLED = 20;
