import { actsOf, startOf, type Act } from '../../shared/acts/acts.ts';
import type { Change, ChangePage, ChangeQuery, LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';

/** Changes fetched at once at most. */
const PAGE = 500;
/** An act of the recordings is 6 to 12 changes with its consequences: so one page is mostly enough. */
const CHANGES_OF_ACT = 12;
const MIN_PAGE = 100;
/** What controllers do in consequence of an act is looked for so long after it, and in so many changes. */
const CONSEQUENCES_MS = 10 * 60_000;
const MAX_CONSEQUENCES = 5000;

export interface StoryQuery {
  scopes: readonly Scope[];
  period: { since?: number; until?: number };
  /** What else is asked of changes. */
  query: Omit<ChangeQuery, 'scope' | 'limit'>;
  /** True where only changes of some users or programs are wanted: then consequences are looked for by themselves. */
  filtered: boolean;
  limit: number;
  wanted: (act: Act) => boolean;
}

export interface Story {
  /** Newest first, each whole. */
  acts: Act[];
  hidden: ChangePage['hidden'];
  denied: Set<string>;
  /** True where there are older ones. */
  more: boolean;
  /** True where consequences were not looked for: too much happened meanwhile. */
  withoutConsequences: boolean;
}

/** Where the reading of one scope stands. */
interface Cursor {
  scope: Scope;
  before: number | undefined;
  /** The oldest change read so far, in ms; -Infinity where all are read. */
  oldest: number;
}

/**
 * The newest acts. Pages are read, newest first, until the acts that are wanted are whole: an act is told once, and with
 * all that followed from it, wherever a page ends.
 */
export async function loadStory(asked: StoryQuery, reader: LedgerReader, io: Io): Promise<Story> {
  const found: Change[] = [];
  const hidden = { status: 0, attempts: 0 };
  const denied = new Set<string>();
  const cursors = asked.scopes.map((scope): Cursor => ({ scope, before: undefined, oldest: Infinity }));
  const size = Math.max(MIN_PAGE, Math.min(PAGE, asked.limit * CHANGES_OF_ACT));
  for (;;) {
    const cursor = cursors.reduce((a, b) => (b.oldest > a.oldest ? b : a));
    const page = await reader.changes({
      ...{ scope: cursor.scope, limit: size, ...asked.period, ...asked.query },
      ...(cursor.before === undefined ? {} : { before: cursor.before }),
    });
    found.push(...page.changes);
    io.progress?.(`${found.length} changes`);
    for (const type of page.denied ?? []) denied.add(type);
    hidden.status += page.hidden.status;
    hidden.attempts += page.hidden.attempts;
    cursor.before = page.next ?? undefined;
    cursor.oldest = page.next === null ? -Infinity : Math.min(cursor.oldest, page.changes.at(-1)?.at ?? cursor.oldest);
    const horizon = Math.max(...cursors.map(({ oldest }) => oldest));
    const all = horizon === -Infinity;
    const whole = wholeActs(found, horizon).filter((act) => (all || act.behind === null) && asked.wanted(act));
    if (!all && whole.length < asked.limit) continue;
    const story = {
      ...{ acts: whole.slice(0, asked.limit), hidden, denied, withoutConsequences: false },
      more: !all || whole.length > asked.limit,
    };
    return asked.filtered ? withConsequences(story, found, asked, reader) : story;
  }
}

/** The newest acts that no older change can be part of. */
function wholeActs(changes: readonly Change[], horizon: number): Act[] {
  const acts = actsOf(changes);
  const open = acts.findIndex(({ wholeFrom, behind }) => behind === null && wholeFrom <= horizon);
  return open < 0 ? acts : acts.slice(0, open);
}

/** What followed from acts that were found by their user or program. */
async function withConsequences(
  story: Story,
  found: readonly Change[],
  { scopes, query }: StoryQuery,
  reader: LedgerReader,
): Promise<Story> {
  const [newest, oldest] = [story.acts[0], story.acts.at(-1)];
  if (newest === undefined || oldest === undefined) return story;
  const newerThan = (oldest.changes[0]?.seq ?? 1) - 1;
  const until = startOf(newest) + CONSEQUENCES_MS;
  const { status = false, folded = false } = query;
  const around: Change[] = [];
  for (const scope of scopes) {
    for (let before: number | null | undefined; before !== null;) {
      if (around.length >= MAX_CONSEQUENCES) return { ...story, withoutConsequences: true };
      const at = before === undefined ? {} : { before };
      const page: ChangePage = await reader.changes({ scope, newerThan, until, status, causes: true, folded, limit: PAGE, ...at }); // prettier-ignore
      around.push(...page.changes);
      before = page.next;
    }
  }
  const seqs = new Set(found.map(({ seq }) => seq));
  const byFirst = new Map(actsOf(around).map((act) => [act.changes.find(({ seq }) => seqs.has(seq))?.seq, act]));
  const acts = story.acts.map((act) => {
    const consequences = byFirst.get(act.changes[0]?.seq)?.consequences ?? [];
    return consequences.length > act.consequences.length ? { ...act, consequences } : act;
  });
  return { ...story, acts };
}
