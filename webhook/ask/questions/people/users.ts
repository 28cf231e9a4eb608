import { KubeblameError } from '../../../../shared/errors.ts';
import type { UserSummary } from '../../../../shared/types.ts';
import { occurred, type UserCount } from '../../../ledger/port/port.ts';
import type { Answer } from '../asked.ts';
import { filterOf } from '../objects/page.ts';

export const users: Answer<'users'> = async ({ store }, { scope, since, until, status }) => {
  if (scope.labels !== undefined) throw new KubeblameError('query-invalid', 'users cannot be counted by labels');
  const filter = {
    ...filterOf(scope),
    ...(await occurred(store, since, until)),
  };
  return { users: summarise(await store.users(filter, status === true)) };
};

/** One entry for each user, from counts by user and type: the most changes first, then by name. */
function summarise(counts: readonly UserCount[]): UserSummary[] {
  const users = new Map<string, UserSummary>();
  for (const { username, group, resource, kind, changes, firstAt, lastAt } of counts) {
    const user = users.get(username) ?? { username, changes: 0, firstAt, lastAt, resources: [] };
    user.changes += changes;
    user.firstAt = Math.min(user.firstAt, firstAt);
    user.lastAt = Math.max(user.lastAt, lastAt);
    user.resources.push({ group, resource, kind, changes });
    users.set(username, user);
  }
  const sorted = [...users.values()].sort((a, b) => b.changes - a.changes || (a.username < b.username ? -1 : 1));
  for (const user of sorted) user.resources.sort((a, b) => b.changes - a.changes);
  return sorted;
}
