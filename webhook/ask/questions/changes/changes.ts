import { parseField } from '../../../../shared/field-path.ts';
import { parseSelector } from '../../../../shared/selector.ts';
import type { Change, ChangePage, ChangeQuery } from '../../../../shared/types.ts';
import { gapsBetween } from '../../../ledger/port/intervals.ts';
import { occurred, type ChangeFilter, type StoredChange } from '../../../ledger/port/port.ts';
import { States } from '../../../ledger/port/states.ts';
import { Causes } from '../../blame/causes.ts';
import { changedByHand } from '../../origins/by-hand/manual.ts';
import { foldedViewOf, isControllersStatus, isTold, viewOf } from '../../blame/views.ts';
import type { Answer, Asked } from '../asked.ts';
import { coverage } from '../ledger.ts';
import { filterOf } from '../objects/page.ts';
import { membersAmong, membersIn, withinOf, type Members } from '../landscape/members.ts';
import { touching } from './field.ts';
import { follow } from './follow.ts';
import { exactUser, matcherOf } from './matching.ts';

/** Rows that are fetched at once while a page fills, at most. */
const FETCHED = 500;
const FEW_ROWS = 16;

export const changes: Answer<'changes'> = async (asked, query) => {
  const { store } = asked;
  const user = exactUser(query);
  const members = await membersIn(asked, query.scope, query.since, query.until);
  const period = await occurred(store, query.since, query.until);
  const filter: ChangeFilter = {
    ...filterOf(query.scope),
    ...withinOf(members),
    ...(user === undefined ? {} : { username: user }),
    labels: parseSelector(query.scope.labels ?? ''),
    ...period,
    minSeq: Math.max(period.minSeq ?? 0, (query.newerThan ?? -1) + 1),
    ...(query.refused === true ? { refused: true } : {}),
  };
  const search = { asked, query, filter, members, states: new States(store) };
  if (query.after !== undefined) return followed(search, query.after);
  if (query.seqs !== undefined) return named(search, query.seqs);
  return newest(search);
};

interface Search {
  asked: Asked;
  query: ChangeQuery;
  filter: ChangeFilter;
  /** What belongs to the application or team that is asked about; null where none is. */
  members: Members | null;
  states: States;
}

/** The newest that match, until a page is full. */
async function newest(search: Search): Promise<ChangePage> {
  const { asked, query, filter } = search;
  let maxSeq = filter.maxSeq ?? Number.MAX_SAFE_INTEGER;
  if (query.before !== undefined) maxSeq = Math.min(maxSeq, query.before - 1);
  const matches = matcherOf(query);
  const touches = touchesOf(search);
  const hidden = { status: 0, attempts: 0 };
  const found: StoredChange[] = [];
  for (let size = Math.min(query.limit + 1, FETCHED); ;) {
    const before = found.length;
    const rows = await asked.store.changes({ ...filter, maxSeq }, size);
    const touched = await touches(rows.filter(matches));
    for (const row of rows) {
      if (isTold(row) || !matches(row) || touched?.has(row.seq) === false) continue;
      if (found.length === query.limit) return { changes: await viewsOf(search, found), next: row.seq + 1, hidden };
      const reason = hiddenAs(query, row);
      if (reason === null) found.push(row);
      else hidden[reason]++;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < size) break;
    maxSeq = last.seq - 1;
    // No more than will be needed, as far as the last rows tell.
    const share = Math.max((found.length - before) / rows.length, 1 / 8);
    size = Math.min(FETCHED, Math.ceil((query.limit + 1 - found.length) / share) + FEW_ROWS);
  }
  return { changes: await viewsOf(search, found), next: null, hidden };
}

/** Those after one, the oldest first. */
async function followed(search: Search, after: number): Promise<ChangePage> {
  const { asked, query, filter } = search;
  const page = await follow(asked.store, {
    filter,
    after,
    limit: query.limit,
    waitMs: query.waitMs ?? 0,
    signal: asked.closing,
    matches: matcherOf(query),
    touches: touchesOf(search),
    hiddenAs: (row) => hiddenAs(query, row),
  });
  const views = await viewsOf(search, [...page.found].reverse());
  return { changes: views.reverse(), next: page.next, hidden: page.hidden };
}

/** Those that exist, newest first; who names a change means it, so nothing is hidden. */
async function named(search: Search, seqs: readonly number[]): Promise<ChangePage> {
  const found: StoredChange[] = [];
  for (const seq of [...new Set(seqs)].sort((a, b) => b - a)) {
    const rows = await search.asked.store.changes({ ...search.filter, minSeq: seq, maxSeq: seq }, 1);
    found.push(...(search.members === null ? rows : await membersAmong(rows, search.members)));
  }
  return { changes: await viewsOf(search, found), next: null, hidden: { status: 0, attempts: 0 } };
}

/** Which of some rows are of what is asked about, and touch the field that is; null where all are. */
function touchesOf({ asked, query, members, states }: Search) {
  const field = query.field === undefined ? null : parseField(query.field);
  return async (rows: readonly StoredChange[]): Promise<ReadonlySet<number> | null> => {
    const own = members === null ? rows : await membersAmong(rows, members);
    if (field !== null) return touching(own, field, states, asked.now());
    return members === null ? null : new Set(own.map(({ seq }) => seq));
  };
}

function hiddenAs({ attempts, status, refused }: ChangeQuery, row: StoredChange): keyof ChangePage['hidden'] | null {
  if (refused === true) return null;
  if (row.outcome === 'dropped' && attempts !== true) return 'attempts';
  return isControllersStatus(row) && status !== true ? 'status' : null;
}

/** Rows as readers get them. They are newest first, and so are the views. */
async function viewsOf({ asked, query, states }: Search, rows: readonly StoredChange[]): Promise<Change[]> {
  const intervals = rows.some(({ source }) => source === 'watch') ? await coverage(asked) : [];
  const context = {
    states,
    now: asked.now(),
    bodies: query.bodies === true,
    field: query.field === undefined ? null : parseField(query.field),
    gaps: (from: number, to: number) => gapsBetween(intervals, from, to),
  };
  const oldestFirst = [...rows].reverse();
  const causes = query.causes === true ? new Causes(asked.store, states) : null;
  await causes?.know(oldestFirst);
  const views: Change[] = [];
  const told = new Set<number>();
  for (const row of oldestFirst) {
    const links = await causes?.of(row);
    const folds = query.folded === true && links?.some(({ seq }) => told.has(seq)) === true;
    const view = folds ? foldedViewOf(row, context) : await viewOf(row, context);
    const origin = await causes?.origins.of(row);
    const byHand = causes === null ? null : await changedByHand(row, states, causes.origins);
    views.push({
      ...view,
      ...(links === undefined ? {} : { causes: links }),
      ...(origin == null ? {} : { origin }),
      ...(byHand === null ? {} : { byHand }),
    });
    told.add(row.seq);
  }
  return views.reverse();
}
