import { contentHeight, frameOf, type FrameState } from './frame.ts';
import { HELP } from './help-text.ts';
import { ListPane } from './list-pane.ts';
import type { Key, Screen, ScreenEvent } from './screen.ts';
import type { Source, View } from './source.ts';
import { TextPane } from './text-pane.ts';

export { openScreen } from './screen.ts';

/** Lets somebody browse until they quit. The screen is closed in any case. */
export async function browse(source: Source, screen: Screen): Promise<void> {
  await new Browser(source, screen).run();
}

const VIEWS: Partial<Record<string, View>> = { d: 'diff', s: 'show', u: 'undo', l: 'lines' };

/** Keys that move, in the list and in a text alike. */
type Motion = 'up' | 'down' | 'pageup' | 'pagedown' | 'first' | 'last';

const MOTIONS: Partial<Record<string, Motion>> = {
  ...{ up: 'up', k: 'up', '^p': 'up', down: 'down', j: 'down', '^n': 'down' },
  ...{ pageup: 'pageup', b: 'pageup', '^b': 'pageup', pagedown: 'pagedown', space: 'pagedown', '^f': 'pagedown' },
  ...{ home: 'first', g: 'first', end: 'last', G: 'last' },
};

class Browser implements FrameState {
  readonly list: ListPane;
  document: TextPane | null = null;
  prompt: string | null = null;
  message = '';
  /** Of which row the text is; null for the help. */
  private shown: { view: View; id: string } | null = null;
  private matches: ((text: string) => boolean) | null = null;
  private readonly events: ScreenEvent[] = [];
  private wake: (() => void) | null = null;
  private busy = false;

  constructor(
    private readonly source: Source,
    private readonly screen: Screen,
  ) {
    this.list = new ListPane(source.listing(screen.size().columns));
  }

  async run(): Promise<void> {
    try {
      // Somebody who waits too long must be able to leave.
      const left = new Promise<void>((resolve) => {
        this.screen.listen((event) => {
          const quits = event.kind === 'end' || (event.kind === 'key' && (event.key.name === '^c' || (this.busy && event.key.name === 'q'))); // prettier-ignore
          if (quits) resolve();
          else this.events.push(event);
          this.wake?.();
        });
      });
      await Promise.race([this.loop(), left]);
    } finally {
      this.screen.close();
    }
  }

  private async loop(): Promise<void> {
    for (;;) {
      this.paint();
      if (this.document === null && this.list.listing.more && this.list.nearsEnd(this.height())) {
        await this.working('loading older rows', async () => void (await this.loadMore()));
        this.paint();
      }
      const event = await this.next();
      if (event.kind === 'resize') await this.resized();
      else if (event.kind === 'key' && !(await this.press(event.key))) return;
    }
  }

  private async next(): Promise<ScreenEvent> {
    while (this.events.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.events.shift() ?? { kind: 'end' };
  }

  private paint(): void {
    const { lines, cursor } = frameOf(this, this.source, this.screen.size());
    this.screen.paint(lines, cursor);
  }

  private height(): number {
    return contentHeight(this, this.screen.size().rows);
  }

  /** Says what takes a while. */
  private async working(what: string, work: () => Promise<void>): Promise<void> {
    this.message = `${what}${this.source.ellipsis}`;
    this.busy = true;
    this.paint();
    await work();
    this.busy = false;
    if (this.message.startsWith(what)) this.message = '';
  }

  /** False where nothing more can be read: the reason is told at the bottom, and the rest can still be read. */
  private async loadMore(): Promise<boolean> {
    const failure = await this.source.loadMore();
    this.refresh();
    if (failure !== null) this.message = failure;
    return failure === null;
  }

  private refresh(): void {
    this.list.update(this.source.listing(this.screen.size().columns));
  }

  private async resized(): Promise<void> {
    this.refresh();
    const { document, shown } = this;
    if (document === null) return;
    const { top } = document;
    if (shown === null) document.fold(this.screen.size().columns);
    else await this.open(shown.view, shown.id, top);
  }

  /** False where this key ends it. */
  private async press(key: Key): Promise<boolean> {
    if (this.prompt !== null) {
      await this.type(key, this.prompt);
      return true;
    }
    this.message = '';
    const motion = MOTIONS[key.name];
    const view = VIEWS[key.name];
    if (motion !== undefined) this.move(motion);
    else if (key.name === '/') this.prompt = '';
    else if (key.name === 'n' || key.name === 'N') await this.find(key.name === 'n' ? 1 : -1);
    else if (key.name === '?') this.openHelp();
    else if (view !== undefined) await this.open(view, this.shown?.id ?? this.list.chosen?.id);
    else if (this.document !== null) {
      if (['q', 'escape', 'left', 'backspace'].includes(key.name)) this.closeDocument();
    } else if (key.name === 'q') return false;
    else if (key.name === 'return' || key.name === 'enter') await this.enter();
    else if (key.name === 'right' || key.name === 'left') this.fold(key.name === 'left');
    return true;
  }

  private move(motion: Motion): void {
    const { document, list } = this;
    const height = this.height();
    switch (motion) {
      case 'up':
      case 'down': {
        const step = motion === 'up' ? -1 : 1;
        if (document === null) list.move(step);
        else document.scroll(step, height);
        return;
      }
      case 'pageup':
      case 'pagedown': {
        const direction = motion === 'pageup' ? -1 : 1;
        if (document === null) list.page(direction, height);
        else document.scroll(direction * (height - 1), height);
        return;
      }
      case 'first':
        if (document === null) list.first();
        else document.top = 0;
        return;
      case 'last':
        if (document === null) list.last();
        else document.scroll(document.length, height);
    }
  }

  private async enter(): Promise<void> {
    const { chosen } = this.list;
    if (chosen === undefined) return;
    if (this.source.toggle(chosen.id)) this.refresh();
    else await this.open('diff', chosen.id);
  }

  /** Left on what is shown under a row goes back to that row. */
  private fold(close: boolean): void {
    const { chosen } = this.list;
    if (chosen === undefined) return;
    const id = close ? (chosen.under ?? chosen.id) : chosen.id;
    if (this.source.isUnfolded(id) !== close || !this.source.toggle(id)) return;
    this.list.choose(id);
    this.refresh();
  }

  private async open(view: View, id: string | undefined, top = 0): Promise<void> {
    if (id === undefined) return;
    const { columns } = this.screen.size();
    await this.working('reading', async () => {
      const { title, text } = await this.source.document(view, id, columns);
      this.document = new TextPane(title, text, columns, top);
      this.shown = { view, id };
    });
  }

  private openHelp(): void {
    this.document = new TextPane('kubectl blame -i: keys', HELP, this.screen.size().columns);
    this.shown = null;
  }

  private closeDocument(): void {
    this.document = null;
    this.shown = null;
  }

  private async type(key: Key, typed: string): Promise<void> {
    if (key.name === 'return' || key.name === 'enter') {
      this.prompt = null;
      // An empty one repeats the last, as in less.
      if (typed !== '') this.matches = matcher(typed);
      await this.find(1);
    } else if (key.name === 'escape' || (key.name === 'backspace' && typed === '')) this.prompt = null;
    else if (key.name === 'backspace') this.prompt = [...typed].slice(0, -1).join('');
    else if (key.name === '^u') this.prompt = '';
    else this.prompt = typed + key.text;
  }

  private async find(step: 1 | -1): Promise<void> {
    const { matches, document, list } = this;
    if (matches === null) return;
    if (document !== null) {
      if (!document.find(matches, step)) this.message = step === 1 ? 'not found below' : 'not found above';
      return;
    }
    let found = list.find(matches, step);
    if (!found && step === 1 && list.listing.more) {
      await this.working('searching older rows; q quits', async () => {
        while (!found && list.listing.more && (await this.loadMore())) found = list.find(matches, step);
      });
    }
    if (!found && this.message === '')
      this.message = step === 1 ? 'not found in older rows' : 'not found in newer rows';
  }
}

/** Plain text, as it stands there; without capital letters it ignores case. */
function matcher(pattern: string): (text: string) => boolean {
  if (/\p{Lu}/u.test(pattern)) return (text) => text.includes(pattern);
  return (text) => text.toLowerCase().includes(pattern);
}
