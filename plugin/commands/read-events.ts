import type { EventQuery, EventSum, LedgerReader, RecordedEvent, Scope } from '../../shared/types.ts';
import { momentText } from '../views/times.ts';
import type { Io } from '../io.ts';
import { sumLines } from '../views/events-table.ts';
import { note, tellDenied } from './notes.ts';

/** Events fetched at once at most. */
const PAGE = 1000;

export interface FoundEvents {
  /** The one that happened last first. */
  events: RecordedEvent[];
  sums: EventSum[];
  /** True where there are older ones. */
  more: boolean;
  /** Not all that ended before this time (ms) are there any more. */
  keptFrom: number;
  denied: Set<string>;
}

/** Reads the newest Events of some scopes, page by page. */
export async function readEvents(
  scopes: readonly Scope[],
  query: Omit<EventQuery, 'scope' | 'limit' | 'continue'>,
  limit: number,
  reader: LedgerReader,
): Promise<FoundEvents> {
  const found: FoundEvents = { events: [], sums: [], more: false, keptFrom: 0, denied: new Set() };
  for (const scope of scopes) {
    let [left, next]: [number, string | null | undefined] = [limit, undefined];
    do {
      const page = await reader.events({
        ...{ scope, ...query, limit: Math.min(left, PAGE) },
        ...(next === undefined ? {} : { continue: next }),
      });
      found.events.push(...page.events);
      found.sums.push(...page.sums);
      found.keptFrom = Math.max(found.keptFrom, page.keptFrom);
      for (const type of page.denied ?? []) found.denied.add(type);
      left -= page.events.length;
      next = page.next;
    } while (next !== null && left > 0);
    found.more ||= next !== null;
  }
  // Several scopes may have the same ones.
  const unique = [...new Map(found.events.map((event) => [event.id, event])).values()];
  const sorted = unique.sort((a, b) => b.lastAt - a.lastAt);
  return { ...found, events: sorted.slice(0, limit), more: found.more || sorted.length > limit };
}

/** What an answer about Events does not have: what was only counted, given up, or may not be read. */
export function tellMissing({ sums, keptFrom, denied }: FoundEvents, since: number | undefined, io: Io): void {
  const [first, second, third, ...others] = sumLines(sums, io.style);
  for (const line of [first, second, third]) if (line !== undefined) note(io, line);
  if (others.length > 0) note(io, `and ${others.length} more storms: -o json has them all`);
  if (keptFrom > 0 && (since === undefined || since < keptFrom)) {
    note(io, `Events that ended before ${momentText(keptFrom, io.style)} were given up: --retain-events`);
  }
  tellDenied(denied, io);
}

/** Events on one time line, at most. */
const MAX_ON_TIME_LINE = 1000;

/** The Events of a time line, with each step of their counts. */
export function readTimeLine(
  scopes: readonly Scope[],
  period: { since?: number; until?: number },
  reader: LedgerReader,
): Promise<FoundEvents> {
  const owned = scopes.some(({ names }) => names !== undefined);
  return readEvents(scopes, { ...period, owned, steps: true }, MAX_ON_TIME_LINE, reader);
}

/** What a time line does not have; and that "after" is no "because". */
export function tellTimeLine(found: FoundEvents, since: number | undefined, io: Io): void {
  if (found.more)
    note(io, `only the newest ${MAX_ON_TIME_LINE} Events are told: narrow the time with --since and --until`);
  if (found.events.length > 0) note(io, 'after says when, not why: an Event need not come of the change before it');
  else if (found.denied.size === 0) note(io, 'no Events are recorded of that time');
  tellMissing(found, since, io);
}
