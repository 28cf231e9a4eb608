import { parseField } from '../../../../shared/field-path.ts';
import { labelsOf } from '../../../../shared/labels.ts';
import { matchesSelector, parseSelector } from '../../../../shared/selector.ts';
import { blameOf } from '../../blame/blame.ts';
import type { Answer } from '../asked.ts';
import { askedAt } from '../landscape/members.ts';
import { pageOf } from './page.ts';
import { momentOf, stateOf, versionAt } from './states.ts';

export const blame: Answer<'blame'> = async (asked, query) => {
  const { store, now } = asked;
  const selector = parseSelector(query.scope.labels ?? '');
  const options = { ...query, field: query.field === undefined ? [] : parseField(query.field), now: now() };
  const moment = await momentOf(store, query.at);
  const isAsked = await askedAt(asked, query.scope, [query.at]);
  const { items, next } = await pageOf(store, query, async (object) => {
    if (!isAsked(object)) return null;
    const version = await versionAt(store, object.id, moment);
    const state = await stateOf(asked, object, moment);
    if (version === null || state === null || !matchesSelector(selector, labelsOf(state.body))) return null;
    return blameOf(store, version.seq, state, options);
  });
  return { blames: items, next };
};
