import { actsOf, type Act } from '../../shared/acts/acts.ts';
import type { Change, ChangePage, LedgerReader, RecordedEvent } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { changeList, document } from '../views/json.ts';
import { eventLines } from '../views/event-text.ts';
import { showLines, type Surroundings } from '../views/show.ts';
import { print, separated, tellDenied } from './notes.ts';
import { changesById, scopeOf } from './numbers.ts';
import { readEvents } from './read-events.ts';
import { knownTypes, withTypeNames } from './types.ts';

/** How many changes that a change caused are looked for, and in how many of those after it. */
const CAUSED_WITHIN = 500;
const PAGE = 500;

/** Changes before and after one that are looked at for its act and what followed from it, and for how long. */
const BEFORE = 200;
const FOLLOWED_WITHIN = 2000;
const FOLLOWED_MS = 5 * 60_000;
const SECOND_MS = 1_000;

/** `kubectl blame show ID...`: everything about some changes. */
export async function show(
  ids: readonly string[],
  { output, namespace }: { output?: 'json' | 'yaml'; namespace?: string },
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const [changes, types] = await Promise.all([changesById(ids, reader, namespace), knownTypes(reader)]);
  if (output !== undefined) {
    io.out(document(changeList(changes), output));
    return;
  }
  const { style } = withTypeNames(io, types);
  const blocks: string[][] = [];
  const denied = new Set<string>();
  for (const change of changes) {
    const around = await surroundings(change, reader, io.now);
    const events = await eventsAfter(change, around, reader, denied);
    blocks.push([...showLines(change, around, style), ...eventLines(change, events, style)]);
  }
  print(io, separated(blocks));
  tellDenied(denied, io);
}

/** Objects whose Events are asked for at once. */
const MAX_OBJECTS = 100;
const MAX_EVENTS = 200;

/** What was reported in the minutes after a change about its object and about what followed from it. */
async function eventsAfter(
  { at, object }: Change,
  { act, caused }: Surroundings,
  reader: LedgerReader,
  denied: Set<string>,
): Promise<RecordedEvent[]> {
  const followed = [...caused, ...(act?.changes ?? []), ...(act?.consequences ?? [])];
  const uids = [...new Set([object.uid, ...followed.map((change) => change.object.uid)])].filter((uid) => uid !== '');
  if (uids.length === 0) return [];
  // Most Events tell seconds alone.
  const since = Math.floor(at / SECOND_MS) * SECOND_MS;
  const period = { since, until: at + FOLLOWED_MS };
  const found = await readEvents([{}], { ...period, uids: uids.slice(0, MAX_OBJECTS) }, MAX_EVENTS, reader);
  for (const type of found.denied) denied.add(type);
  return found.events.filter(({ firstAt }) => firstAt >= since);
}

async function surroundings(change: Change, reader: LedgerReader, now: number): Promise<Surroundings> {
  const { seq } = change;
  const asked = { scope: scopeOf(change), limit: 1, status: true };
  const before = await reader.changes({ ...asked, before: seq });
  const after = await reader.changes({ ...asked, after: seq });
  const following = await reader.changes({ scope: {}, after: seq, limit: CAUSED_WITHIN, status: true });
  return {
    previous: before.changes[0] ?? null,
    next: after.changes[0] ?? null,
    caused: following.changes.filter(({ cause }) => cause === seq),
    act: await actOf(change, reader),
    now,
  };
}

/** The act that a change is of, with what followed from it; null where it only follows from another. */
async function actOf({ seq, at, source, causes = [] }: Change, reader: LedgerReader): Promise<Act | null> {
  // The first sight of an object led to nothing, and a consequence is told with its own causes.
  if (source === 'baseline' || causes.length > 0) return null;
  const window = { newerThan: Math.max(0, seq - BEFORE), until: at + FOLLOWED_MS, limit: PAGE };
  const changes: Change[] = [];
  for (let before: number | null | undefined; before !== null && changes.length < FOLLOWED_WITHIN;) {
    const page: ChangePage = await reader.changes({ scope: {}, ...window, causes: true, ...(before === undefined ? {} : { before }) }); // prettier-ignore
    changes.push(...page.changes);
    before = page.next;
    // What lies between was not read: an act without it would be told wrongly.
    if (before !== null && changes.length >= FOLLOWED_WITHIN) return null;
  }
  return actsOf(changes).find((act) => act.changes.some((own) => own.seq === seq)) ?? null;
}
