import { actsOf, firstSeq, startOf, type Act } from '../../shared/acts/acts.ts';
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
  /** Where they are looked for, where that is not in the same scopes: what followed is of other types. */
  around?: readonly Scope[];
  wanted: (act: Act) => boolean;
}

export interface Story {
  /** Newest first, each whole. */
  acts: Act[];
  hidden: ChangePage['hidden'];
  denied: Set<string>;
  /** True where there are older ones. */
  more: boolean;
  /** When the change before the oldest of these acts was made (ms): a question until then repeats none of them. */
  olderAt: number | null;
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
 * Reads acts, newest first. Pages are read until the acts that are wanted are whole: an act is told once, and with all
 * that followed from it, wherever a page ends.
 */
export class StoryReader {
  private readonly found: Change[] = [];
  private readonly hidden = { status: 0, attempts: 0 };
  private readonly denied = new Set<string>();
  private readonly cursors: Cursor[];
  /** Acts whose consequences have been looked for, by the number of the first change. */
  private readonly followed = new Map<number, Act>();

  constructor(
    private readonly asked: StoryQuery,
    private readonly reader: LedgerReader,
    private readonly io: Pick<Io, 'progress'>,
  ) {
    this.cursors = asked.scopes.map((scope): Cursor => ({ scope, before: undefined, oldest: Infinity }));
  }

  /** The newest `limit` acts; goes on from where it stopped when it is called again with more. */
  async load(limit: number): Promise<Story> {
    const size = Math.max(MIN_PAGE, Math.min(PAGE, limit * CHANGES_OF_ACT));
    for (;;) {
      const horizon = Math.max(...this.cursors.map(({ oldest }) => oldest));
      const all = horizon === -Infinity;
      const whole = wholeActs(this.found, horizon).filter((act) => (all || act.behind === null) && this.asked.wanted(act)); // prettier-ignore
      if (all || whole.length >= limit) return this.story(whole.slice(0, limit), !all || whole.length > limit);
      await this.readPage(size);
    }
  }

  private async readPage(size: number): Promise<void> {
    const { period, query } = this.asked;
    const cursor = this.cursors.reduce((a, b) => (b.oldest > a.oldest ? b : a));
    const page = await this.reader.changes({
      ...{ scope: cursor.scope, limit: size, ...period, ...query },
      ...(cursor.before === undefined ? {} : { before: cursor.before }),
    });
    this.found.push(...page.changes);
    this.io.progress?.(`${this.found.length} changes`);
    for (const type of page.denied ?? []) this.denied.add(type);
    this.hidden.status += page.hidden.status;
    this.hidden.attempts += page.hidden.attempts;
    cursor.before = page.next ?? undefined;
    cursor.oldest = page.next === null ? -Infinity : Math.min(cursor.oldest, page.changes.at(-1)?.at ?? cursor.oldest);
  }

  private async story(acts: Act[], more: boolean): Promise<Story> {
    const { hidden, denied, followed } = this;
    const fresh = this.asked.filtered ? acts.filter((act) => !followed.has(firstSeq(act))) : [];
    const { acts: found, whole } = await withConsequences(fresh, this.found, this.asked, this.reader);
    for (const act of found) followed.set(firstSeq(act), act);
    const told = acts.map((act) => followed.get(firstSeq(act)) ?? act);
    const oldest = acts.at(-1);
    const first = oldest === undefined ? 0 : firstSeq(oldest);
    const olderAt = this.found.reduce<number | null>((last, { seq, at }) => (seq < first ? Math.max(last ?? at, at) : last), null); // prettier-ignore
    return { acts: told, hidden, denied, more, olderAt, withoutConsequences: !whole };
  }
}

/** The newest acts that no older change can be part of. */
function wholeActs(changes: readonly Change[], horizon: number): Act[] {
  const acts = actsOf(changes);
  const open = acts.findIndex(({ wholeFrom, behind }) => behind === null && wholeFrom <= horizon);
  return open < 0 ? acts : acts.slice(0, open);
}

/** Acts that were found by their user or program, with what followed from them; not `whole` where too much happened meanwhile. */
async function withConsequences(
  acts: readonly Act[],
  found: readonly Change[],
  { scopes, around: places = scopes, query }: StoryQuery,
  reader: LedgerReader,
): Promise<{ acts: readonly Act[]; whole: boolean }> {
  const [newest, oldest] = [acts[0], acts.at(-1)];
  if (newest === undefined || oldest === undefined) return { acts, whole: true };
  const newerThan = (oldest.changes[0]?.seq ?? 1) - 1;
  const until = startOf(newest) + CONSEQUENCES_MS;
  const { status = false, folded = false } = query;
  const around: Change[] = [];
  for (const scope of places) {
    for (let before: number | null | undefined; before !== null;) {
      if (around.length >= MAX_CONSEQUENCES) return { acts, whole: false };
      const at = before === undefined ? {} : { before };
      const page: ChangePage = await reader.changes({ scope, newerThan, until, status, causes: true, folded, limit: PAGE, ...at }); // prettier-ignore
      around.push(...page.changes);
      before = page.next;
    }
  }
  const seqs = new Set(found.map(({ seq }) => seq));
  const byFirst = new Map(actsOf(around).map((act) => [act.changes.find(({ seq }) => seqs.has(seq))?.seq, act]));
  const told = acts.map((act) => {
    const consequences = byFirst.get(act.changes[0]?.seq)?.consequences ?? [];
    return consequences.length > act.consequences.length ? { ...act, consequences } : act;
  });
  return { acts: told, whole: true };
}
