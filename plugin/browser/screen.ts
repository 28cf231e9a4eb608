import { emitKeypressEvents, type Key as NodeKey } from 'node:readline';
import * as ansi from 'ansi-escapes';
import { onExit } from 'signal-exit';

/** A key that was pressed. */
export interface Key {
  /** `up`, `return`, `g`; `G` for a capital letter, `^c` with Control. */
  name: string;
  /** What it types; '' for a key that types nothing. */
  text: string;
}

export type ScreenEvent = { kind: 'key'; key: Key } | { kind: 'resize' } | { kind: 'end' };

/** The whole terminal, as long as it is open: what tests replace. */
export interface Screen {
  size(): { columns: number; rows: number };
  /** Shows these lines, of which none may be wider than the terminal; `cursor` is where the terminal's own is shown. */
  paint(lines: readonly string[], cursor?: { column: number; row: number }): void;
  /** Calls for each key, for each change of the size, and when there will be no further keys. */
  listen(handler: (event: ScreenEvent) => void): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'pid' | 'kill' | 'once'>;

/** A line that is as wide as the terminal must not begin the next one. */
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';

const DEFAULT_SIZE = { columns: 80, rows: 24 };

/**
 * Takes the terminal: the alternate screen, so that what was there comes back, and single keys instead of lines. It is
 * given back by `close`, and however else the program ends: an error, SIGINT, SIGTERM, SIGHUP.
 */
export function openScreen(process: Streams): Screen {
  const { stdin, stdout } = process;
  let shown: string[] = [];
  let open = false;
  const enter = (): void => {
    open = true;
    shown = [];
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ansi.enterAlternativeScreen + WRAP_OFF + ansi.cursorHide + ansi.clearViewport);
  };
  const leave = (): void => {
    if (!open) return;
    open = false;
    stdout.write(WRAP_ON + ansi.cursorShow + ansi.exitAlternativeScreen);
    stdin.setRawMode(false);
    stdin.pause();
  };
  const forget = onExit(leave);
  const size = (): { columns: number; rows: number } => ({
    columns: stdout.columns || DEFAULT_SIZE.columns,
    rows: stdout.rows || DEFAULT_SIZE.rows,
  });
  enter();
  const undo: (() => void)[] = [];
  return {
    size,
    paint: (lines, cursor) => {
      if (!open) return;
      // Only what is different: a slow connection shows it at once.
      const text = lines.map((line, row) => (shown[row] === line ? '' : ansi.cursorTo(0, row) + ansi.eraseEndLine + line)).join(''); // prettier-ignore
      const rest = lines.length < shown.length ? ansi.cursorTo(0, lines.length) + ansi.eraseDown : '';
      const place = cursor === undefined ? ansi.cursorHide : ansi.cursorTo(cursor.column, cursor.row) + ansi.cursorShow;
      stdout.write(text + rest + place);
      shown = [...lines];
    },
    listen: (handler) => {
      emitKeypressEvents(stdin);
      const press = (text: string | undefined, key: NodeKey): void => {
        if (key.ctrl === true && key.name === 'z') suspend(process, leave, enter, () => handler({ kind: 'resize' }));
        else handler({ kind: 'key', key: keyOf(text, key) });
      };
      const resize = (): void => {
        shown = [];
        stdout.write(ansi.clearViewport);
        handler({ kind: 'resize' });
      };
      const end = (): void => handler({ kind: 'end' });
      stdin.on('keypress', press).on('end', end);
      stdout.on('resize', resize);
      undo.push(() => {
        stdin.off('keypress', press).off('end', end);
        stdout.off('resize', resize);
      });
    },
    close: () => {
      for (const each of undo.splice(0)) each();
      leave();
      forget();
    },
  };
}

/** As Control-Z does in any other program: the shell takes over, and `fg` comes back. */
function suspend(process: Streams, leave: () => void, enter: () => void, resumed: () => void): void {
  leave();
  process.once('SIGCONT', () => {
    enter();
    resumed();
  });
  process.kill(process.pid, 'SIGTSTP');
}

function keyOf(text: string | undefined, { name, ctrl, meta, sequence }: NodeKey): Key {
  // What only types, such as `/` or a letter with an accent, has no name.
  const typed = ctrl !== true && meta !== true && text !== undefined && !/^\p{C}/u.test(text) ? text : '';
  if (ctrl === true) return { name: `^${name ?? ''}`, text: '' };
  return { name: typed.trim() === '' ? (name ?? sequence ?? '') : typed, text: typed };
}
