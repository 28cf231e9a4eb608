import assert from 'node:assert/strict';
import { Chalk } from 'chalk';
import fc from 'fast-check';
import { FakeScreen } from '../testing/fake-screen.ts';
import { printable, widthOf } from '../views/text.ts';
import { browse } from './browser.ts';
import type { Document, Entry, Listing, Source, View } from './source.ts';

/** Rows called `row 1`, `row 2`, ...: of every tenth three more follow. */
class Rows implements Source {
  readonly chalk = new Chalk({ level: 1 });
  readonly ellipsis = '…';
  loads = 0;
  unfolded = new Set<string>();
  /** What loading more does. */
  onLoad: () => Promise<string | null> = () => Promise.resolve(null);
  text = 'one\ntwo\nthree';

  constructor(
    private count: number,
    private readonly total: number,
    private readonly nameOf: (row: number) => string = (row) => `row ${row}`,
  ) {}

  listing(): Listing {
    const entries = Array.from({ length: this.count }, (_, index) => index + 1).flatMap((row): Entry[] => {
      const id = String(row);
      const own = { id, lines: [this.nameOf(row)], selectable: true, section: row < 31 ? 'Monday' : 'Sunday' };
      const more = this.unfolded.has(id) ? [1, 2, 3] : [];
      const below = more.map((each): Entry => ({ id: `${id} ${each}`, lines: [`  ${row}, part ${each}`], selectable: true, under: id })); // prettier-ignore
      return [own, ...below];
    });
    const [first, ...others] = [{ id: 'head', lines: ['Monday'], selectable: false, section: 'Monday' }, ...entries];
    return { title: 'all rows', head: null, entries: [first, ...others], unfolds: true, more: this.count < this.total };
  }

  async loadMore(): Promise<string | null> {
    this.loads++;
    const failure = await this.onLoad();
    if (failure === null) this.count = Math.min(this.total, this.count + 30);
    return failure;
  }

  toggle(id: string): boolean {
    if (Number(id) % 10 !== 0) return false;
    if (!this.unfolded.delete(id)) this.unfolded.add(id);
    return true;
  }

  isUnfolded(id: string): boolean {
    return this.unfolded.has(id);
  }

  document(view: View, id: string, columns: number): Promise<Document> {
    return Promise.resolve({ title: `${view} of ${id}`, text: `${this.text}\n${columns} columns` });
  }
}

const opened = async (
  source: Source,
  columns = 80,
  rows = 12,
): Promise<{ screen: FakeScreen; ended: Promise<void> }> => {
  const screen = new FakeScreen(columns, rows);
  const ended = browse(source, screen);
  await screen.settle();
  return { screen, ended };
};

describe('browsing', () => {
  it('shows the first rows under their title, with the keys at the bottom, and the first row chosen', async () => {
    const { screen, ended } = await opened(new Rows(5, 5), 80, 9);
    assert.deepEqual(screen.lines, [
      `Monday · all rows${' '.repeat(60)}1/5`,
      ...['Monday', 'row 1', 'row 2', 'row 3', 'row 4', 'row 5', ''],
      'Enter unfold · d diff · l lines · u undo · s show · / search · ? help · q quit',
    ]);
    assert.deepEqual(screen.chosen, ['row 1']);
    await screen.press('q');
    await ended;
    assert.equal(screen.closed, true);
  });

  it('moves by rows and by screens, and stops at both ends', async () => {
    const { screen } = await opened(new Rows(40, 40));
    const at = async (...keys: string[]): Promise<string[]> => {
      await screen.press(...keys);
      return screen.chosen;
    };
    assert.deepEqual(await at('down', 'j', 'down'), ['row 4']);
    assert.deepEqual(await at('up', 'k'), ['row 2']);
    assert.deepEqual(await at('k', 'k', 'k'), ['row 1']);
    assert.deepEqual(await at('pagedown'), ['row 9']);
    assert.deepEqual(await at('space'), ['row 17']);
    assert.deepEqual(await at('pageup', 'b'), ['row 1']);
    assert.deepEqual(await at('G'), ['row 40']);
    assert.equal(screen.lines[1], 'row 31');
    assert.match(screen.lines[0] ?? '', /^Sunday · all rows +40\/40$/);
    assert.deepEqual(await at('home'), ['row 1']);
    assert.equal(screen.lines[1], 'Monday', 'the head above the first row');
  });

  it('loads older rows as one scrolls, and only then', async () => {
    const source = new Rows(30, 80);
    const { screen } = await opened(source);
    assert.equal(source.loads, 0);
    assert.match(screen.lines[0] ?? '', / 1\/30\+$/);
    await screen.press('pagedown', 'pagedown', 'pagedown');
    assert.equal(source.loads, 1);
    assert.match(screen.lines[0] ?? '', / \d+\/60\+$/);
    await screen.press('G', 'G');
    assert.match(screen.lines[0] ?? '', / 80\/80$/);
    assert.deepEqual(screen.chosen, ['row 80']);
  });

  it('tells at the bottom why older rows cannot be loaded, and goes on', async () => {
    const source = new Rows(30, 80);
    source.onLoad = () => Promise.resolve('error: the server is gone');
    const { screen } = await opened(source);
    await screen.press('G');
    assert.equal(screen.lines.at(-1), 'error: the server is gone');
    await screen.press('up');
    assert.deepEqual(screen.chosen, ['row 29']);
    source.onLoad = () => Promise.resolve(null);
    await screen.press('G');
    assert.match(screen.lines[0] ?? '', /\/60\+$/);
  });

  it('can be left while it loads', async () => {
    for (const key of ['q', '^c']) {
      const source = new Rows(30, 80);
      source.onLoad = () => new Promise(() => undefined);
      const screen = new FakeScreen();
      const ended = browse(source, screen);
      await screen.settle();
      // It would wait for the rows.
      void screen.press('G');
      while (source.loads === 0) await new Promise((resolve) => setImmediate(resolve));
      void screen.press(key);
      await ended;
      assert.equal(screen.closed, true);
    }
  });

  it('unfolds and folds what followed from a row', async () => {
    const { screen } = await opened(new Rows(30, 30), 80, 24);
    await screen.press(...Array.from({ length: 9 }, () => 'down'), 'return');
    assert.deepEqual(screen.lines.slice(11, 16), ['row 10', '  10, part 1', '  10, part 2', '  10, part 3', 'row 11'].slice(-5)); // prettier-ignore
    assert.deepEqual(screen.chosen, ['row 10']);
    await screen.press('down', 'down', 'left');
    assert.deepEqual(screen.chosen, ['row 10']);
    assert.ok(!screen.text.includes('part'));
    await screen.press('right', 'down');
    assert.deepEqual(screen.chosen, ['  10, part 1']);
    await screen.press('return');
    assert.match(screen.lines[0] ?? '', /^diff of 10 1 /);
    await screen.press('q', 'up', 'return');
    assert.ok(!screen.text.includes('part'));
  });

  it('shows the texts about a row, and comes back to it', async () => {
    const { screen, ended } = await opened(new Rows(5, 5));
    await screen.press('down', 'return');
    assert.deepEqual(screen.lines.slice(0, 5), [
      `diff of 2${' '.repeat(66)}1-4/4`,
      'one',
      'two',
      'three',
      '80 columns',
    ]);
    for (const [key, view] of [
      ['s', 'show'],
      ['u', 'undo'],
      ['l', 'lines'],
      ['d', 'diff'],
    ] as const) {
      // prettier-ignore
      await screen.press(key);
      assert.ok(screen.lines[0]?.startsWith(`${view} of 2 `), screen.lines[0]);
    }
    await screen.resize(60, 12);
    assert.equal(screen.lines[4], '60 columns');
    await screen.press('?');
    assert.equal(screen.lines[1], 'In the list');
    for (const key of ['q', 'escape', 'left', 'backspace']) {
      await screen.press('?', key);
      assert.deepEqual(screen.chosen, ['row 2'], key);
    }
    await screen.press('q');
    await ended;
  });

  it('finds rows, also in what is not loaded yet, and lines of a text', async () => {
    const source = new Rows(30, 200);
    const { screen } = await opened(source);
    await screen.press('/');
    await screen.type('ROW 12');
    assert.equal(screen.lines.at(-1), '/ROW 12');
    await screen.press('return');
    assert.equal(screen.lines.at(-1), 'not found in older rows', 'a capital letter counts');
    const again = await opened(new Rows(30, 200));
    await again.screen.press('/');
    await again.screen.type('row 12x');
    await again.screen.press('backspace', 'return');
    assert.deepEqual(again.screen.chosen, ['row 12']);
    await again.screen.press('n', 'n');
    assert.deepEqual(again.screen.chosen, ['row 121']);
    await again.screen.press('N');
    assert.deepEqual(again.screen.chosen, ['row 120']);
    await again.screen.press('/', 'escape', 's', '/');
    await again.screen.type('two');
    await again.screen.press('return');
    assert.deepEqual(again.screen.chosen, ['two']);
    await again.screen.press('n');
    assert.equal(again.screen.lines.at(-1), 'not found below');
  });

  it('gives the terminal back where it fails', async () => {
    const source = new Rows(30, 80);
    source.onLoad = () => Promise.reject(new TypeError('a fault of ours'));
    const screen = new FakeScreen();
    const ended = browse(source, screen);
    await screen.settle();
    void screen.press('G');
    await assert.rejects(ended, /a fault of ours/);
    assert.equal(screen.closed, true);
  });

  it('never writes a line that is wider than the terminal, nor more than it has, whatever its size', async () => {
    const size = fc.record({ columns: fc.integer({ min: 1, max: 200 }), rows: fc.integer({ min: 1, max: 50 }) });
    const keys = fc.array(fc.constantFrom('down', 'up', 'return', 'G', 'd', 'q2', '/', 'x', '?', 'escape', 'pagedown'));
    await fc.assert(
      fc.asyncProperty(size, keys, fc.string({ unit: 'grapheme', maxLength: 300 }), async (size, pressed, text) => {
        const source = new Rows(20, 20, (row) => `row ${row}`.slice(0, size.columns));
        source.text = source.chalk.red(printable(text));
        const { screen } = await opened(source, size.columns, size.rows);
        for (const key of ['', ...pressed]) {
          await screen.press(key);
          assert.ok(screen.painted.length <= size.rows, `${screen.painted.length} lines`);
          for (const line of screen.painted) assert.ok(widthOf(line) <= size.columns, line);
        }
      }),
      { numRuns: 40 },
    );
  }).timeout(20_000);
});
