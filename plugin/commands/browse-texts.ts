import { KubeblameError } from '../../shared/errors.ts';
import type { LedgerReader } from '../../shared/types.ts';
import type { Document, View } from '../browser/source.ts';
import type { Io } from '../io.ts';
import { changeDiff } from '../views/change-diff.ts';
import { objectTitle } from '../views/object-name.ts';
import { printable } from '../views/text.ts';
import { showLines } from './lines.ts';
import { print, separated } from './notes.ts';
import { changesById, scopeOf } from './numbers.ts';
import type { Request } from './request.ts';
import type { Selection } from './scopes.ts';
import { show } from './show.ts';
import { undoChanges } from './undo.ts';

/** What would be drawn over the screen. */
export function withoutProgress(io: Io): Io {
  return { ...io, progress: () => undefined, live: () => undefined };
}

/** What is shown of some changes. */
export type Documents = (view: View, ids: readonly number[], columns: number) => Promise<Document>;

const TITLES: Record<View, string> = { diff: 'diff of', show: '', undo: 'what undoes', lines: 'lines after' };

/** The answers of other commands, as texts. What is wrong with a question is the answer to it. */
export function documentsOf(request: Request, reader: LedgerReader, io: Io): Documents {
  return async (view, ids, columns) => {
    const asked = captured(io, columns);
    const words = ids.map(String);
    try {
      if (view === 'show') await show(words, {}, reader, asked.io);
      else if (view === 'undo') await undoChanges(words, {}, reader, asked.io);
      else if (view === 'lines') await linesAfter(words, request, reader, asked.io);
      else print(asked.io, separated((await changesById(words, reader)).map((change) => changeDiff(change, asked.io.style)))); // prettier-ignore
    } catch (error) {
      if (!(error instanceof KubeblameError)) throw error;
      asked.io.err(`${io.style.chalk.red('error:')} ${printable(error.message)}\n`);
      if (error.hint !== undefined) asked.io.err(`${io.style.chalk.cyan('hint:')} ${printable(error.hint)}\n`);
    }
    const what = ids.length === 1 ? `change ${words.join()}` : `${ids.length} changes`;
    return { title: `${TITLES[view]} ${what}`.trim(), text: asked.text() };
  };
}

/** An io that keeps what is written, for a terminal of some columns. */
function captured(io: Io, columns: number): { io: Io; text: () => string } {
  let text = '';
  const write = (more: string): void => void (text += more);
  const asked = { ...withoutProgress(io), out: write, err: write, style: { ...io.style, columns } };
  return { io: asked, text: () => text };
}

/** What a command writes to explain its answer, as lines for a terminal of some columns. */
export function notesOf(io: Io, columns: number, tell: (io: Io) => void): string[] {
  const asked = captured(io, columns);
  tell(asked.io);
  return asked.text().split('\n').slice(0, -1);
}

/** The object of the first change as it was after it; of a deletion, before it. */
async function linesAfter(ids: readonly string[], request: Request, reader: LedgerReader, io: Io): Promise<void> {
  const [change] = await changesById(ids.slice(0, 1), reader);
  if (change === undefined) return;
  const title = objectTitle(change.object, io.style);
  const selection = { scopes: [scopeOf(change)], title, single: true, broad: false, story: false };
  const { field: _, ...lines } = request.lines;
  const at = change.effect === 'deleted' ? change.at - 1 : change.at;
  await showLines(selection, at, { ...request, limit: null, lines }, reader, io);
}

/** What a list is read from, and how. */
export interface Asked {
  selection: Selection;
  period: { since?: number; until?: number };
  request: Request;
  reader: LedgerReader;
  io: Io;
  documents: Documents;
}

/** Rows that are loaded at once. */
export const ROWS = 100;

/** Does some work, and resolves with what was wrong with it, in a line; null where nothing was. */
export async function failureOf(work: () => Promise<void>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (error instanceof KubeblameError) return `error: ${printable(error.message)}`;
    throw error;
  }
}
