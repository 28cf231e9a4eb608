import { labelsOf } from '../../../../shared/labels.ts';
import { matchesSelector, parseSelector } from '../../../../shared/selector.ts';
import type { Actor, Difference } from '../../../../shared/types.ts';
import { occurred, type StoredObject } from '../../../ledger/port/port.ts';
import { isControllersStatus } from '../../blame/views.ts';
import type { Answer, Asked } from '../asked.ts';
import { askedAt } from '../landscape/members.ts';
import { pageOf } from './page.ts';
import { momentOf, stateOf, type Moment } from './states.ts';

/** Changes of one object between the two moments of which the users are told, at most. */
const MOST_CHANGES = 500;

export const differences: Answer<'differences'> = async (asked, query) => {
  const selector = parseSelector(query.scope.labels ?? '');
  const [from, to] = [await momentOf(asked.store, query.from), await momentOf(asked.store, query.to)];
  const isAsked = await askedAt(asked, query.scope, [query.from, query.to]);
  const { items, next } = await pageOf(asked.store, query, async (object) => {
    if (!isAsked(object)) return null;
    const difference = await differenceOf(asked, object, from, to);
    if (difference === null) return null;
    const labelled = [difference.before, difference.after].some((body) => matchesSelector(selector, labelsOf(body)));
    return labelled ? difference : null;
  });
  return { differences: items, next };
};

async function differenceOf(asked: Asked, stored: StoredObject, from: Moment, to: Moment): Promise<Difference | null> {
  const { id: _, ...object } = stored;
  const [before, after] = [await stateOf(asked, stored, from), await stateOf(asked, stored, to)];
  if (before?.seq === after?.seq) return null;
  const { group, resource, namespace, name, uid } = object;
  const period = await occurred(asked.store, from.at + 1, to.at);
  const filter = { type: { group, resource }, namespace, names: [name], uid, ...period };
  const between = (await asked.store.changes(filter, MOST_CHANGES)).reverse();
  const actors = between
    .filter((change) => change.outcome !== 'dropped' && !isControllersStatus(change))
    .flatMap(({ actor }) => (actor === null ? [] : [actor]));
  const namesOf = (some: readonly Actor[]): string[] => [...new Set(some.map(({ username }) => username))];
  const disputed = namesOf(actors.filter((actor) => actor.disputed === true));
  return {
    ...{ object, before: before?.body ?? null, after: after?.body ?? null, users: namesOf(actors) },
    ...(disputed.length === 0 ? {} : { disputed }),
  };
}
