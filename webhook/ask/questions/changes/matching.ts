import { isGlob, matchesGlob } from '../../../../shared/glob.ts';
import type { ChangeQuery } from '../../../../shared/types.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';

/** What of a query is looked at change by change: by whom, by which program, with which request. */
export function matcherOf(query: ChangeQuery): (change: StoredChange) => boolean {
  const { users, excludeUsers, userGroups, managers } = query;
  const operations = query.operations?.map((pattern) => pattern.toUpperCase());
  return (change) => {
    const { actor, operation, subresource } = change;
    const request = `${operation}/${subresource.toUpperCase()}`;
    return (
      (users === undefined || (actor !== null && anyMatches(users, [actor.username]))) &&
      (excludeUsers === undefined || actor === null || !anyMatches(excludeUsers, [actor.username])) &&
      (userGroups === undefined || anyMatches(userGroups, actor?.groups ?? [])) &&
      (managers === undefined || anyMatches(managers, managersOf(change))) &&
      (operations === undefined || anyMatches(operations, [operation, request]))
    );
  };
}

/** Of a change that no request explains, those that managedFields names. */
function managersOf({ manager, detail }: StoredChange): readonly string[] {
  return manager === '' ? detail().managersHint : [manager];
}

function anyMatches(patterns: readonly string[], names: readonly string[]): boolean {
  return patterns.some((pattern) => names.some((name) => matchesGlob(pattern, name)));
}

/** The one user that is asked for by name: the store finds their changes by itself. */
export function exactUser({ users }: ChangeQuery): string | undefined {
  const [user, ...others] = users ?? [];
  return user === undefined || others.length > 0 || isGlob(user) ? undefined : user;
}
