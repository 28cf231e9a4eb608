import { KubeblameError } from '../../../../shared/errors.ts';
import type { UserSummary } from '../../../../shared/types.ts';
import { occurred, type ChangeFilter, type StoredChange, type UserCount } from '../../../ledger/port/port.ts';
import { isControllersStatus } from '../../blame/views.ts';
import type { Answer } from '../asked.ts';
import { membersAmong, membersIn, withinOf } from '../landscape/members.ts';
import { filterOf } from '../objects/page.ts';

export const users: Answer<'users'> = async (asked, { scope, since, until, status }) => {
  const { store } = asked;
  if (scope.labels !== undefined) throw new KubeblameError('query-invalid', 'users cannot be counted by labels');
  const members = await membersIn(asked, scope, since, until);
  const filter = {
    ...filterOf(scope),
    ...withinOf(members),
    ...(await occurred(store, since, until)),
  };
  if (members === null) return { users: summarise(await store.users(filter, status === true)) };
  const own = async (most: ChangeFilter, limit: number) => {
    const rows = await store.changes(most, limit);
    return { rows, own: await membersAmong(rows, members) };
  };
  return { users: summarise(await countUsers(own, filter, status === true)) };
};

/** Changes that are counted at once. */
const PAGE = 500;

/**
 * Counts changes by user and type, row by row: for rows that the database cannot tell apart by itself. `read` gives the newest rows of a
 * filter, and those of them that count.
 */
export async function countUsers(
  read: (
    filter: ChangeFilter,
    limit: number,
  ) => Promise<{ rows: readonly StoredChange[]; own: readonly StoredChange[] }>,
  filter: ChangeFilter,
  status: boolean,
): Promise<UserCount[]> {
  const counts = new Map<string, UserCount>();
  for (let page = filter; ;) {
    const { rows, own } = await read(page, PAGE);
    for (const row of own) {
      if (row.outcome === 'dropped' || (!status && isControllersStatus(row))) continue;
      count(counts, row);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return [...counts.values()];
    page = { ...filter, maxSeq: last.seq - 1 };
  }
}

/** Adds one change, older than those before it, to its user's count of its type. */
function count(counts: Map<string, UserCount>, { actor, occurredAt: at, object }: StoredChange): void {
  if (actor === null) return;
  const { username } = actor;
  const { group, resource, kind } = object;
  const key = JSON.stringify([username, group, resource]);
  const known = counts.get(key);
  const disputed = (known?.disputed ?? 0) + (actor.disputed === true ? 1 : 0);
  counts.set(key, {
    ...{ username, group, resource, kind },
    changes: (known?.changes ?? 0) + 1,
    firstAt: at,
    lastAt: known?.lastAt ?? at,
    ...(disputed === 0 ? {} : { disputed }),
  });
}

/** One entry for each user, from counts by user and type: the most changes first, then by name. */
function summarise(counts: readonly UserCount[]): UserSummary[] {
  const users = new Map<string, UserSummary>();
  for (const { username, group, resource, kind, changes, disputed = 0, firstAt, lastAt } of counts) {
    const user = users.get(username) ?? { username, changes: 0, firstAt, lastAt, resources: [] };
    user.changes += changes;
    if (disputed > 0) user.disputed = (user.disputed ?? 0) + disputed;
    user.firstAt = Math.min(user.firstAt, firstAt);
    user.lastAt = Math.max(user.lastAt, lastAt);
    user.resources.push({ group, resource, kind, changes });
    users.set(username, user);
  }
  const sorted = [...users.values()].sort((a, b) => b.changes - a.changes || (a.username < b.username ? -1 : 1));
  for (const user of sorted) user.resources.sort((a, b) => b.changes - a.changes);
  return sorted;
}
