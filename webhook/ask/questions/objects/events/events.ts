import { eventFacts, globalEventId } from '../../../../../shared/events/event.ts';
import { KubeblameError } from '../../../../../shared/errors.ts';
import type { EventPage, EventQuery, EventStep, RecordedEvent } from '../../../../../shared/questions/events.ts';
import type { EventFilter, EventPlace, StoredEvent } from '../../../../ledger/port/events.ts';
import type { Answer, Asked } from '../../asked.ts';
import { attemptOf } from './attempts.ts';
import { EventBelongings } from './belonging.ts';
import { compositionOf, EventOwners, type Link } from './owners.ts';

/** Events that are fetched at once while a page fills. */
const FETCHED = 500;
/** What was only counted: some rows an hour and namespace in a storm. */
const MAX_SUMS = 100;

export const events: Answer<'events'> = async (asked, query) => {
  const { store } = asked;
  const owners = new EventOwners(store);
  const filter = await filterOf(query, owners);
  const last = (await store.last())?.at ?? 0;
  const belongings = new EventBelongings(asked, Math.min(query.until ?? last, last), query.scope.of);
  const page: EventPage = { events: [], next: null, sums: [], keptFrom: (await store.eventTotals()).horizonAt };
  for (let place = query.continue === undefined ? undefined : placeIn(query.continue); ;) {
    const found = filter === null ? [] : await store.events(filter, FETCHED, place);
    for (const event of found) {
      if (page.events.length === query.limit) {
        page.next = `${place?.lastAt ?? 0}.${place?.id ?? 0}`;
        break;
      }
      const viewed = await viewOf(event, query, asked, owners, belongings);
      if (viewed !== null) page.events.push(viewed);
      place = { lastAt: event.facts.lastAt, id: event.id };
    }
    if (page.next !== null || found.length < FETCHED) break;
  }
  if (query.continue === undefined && query.scope.of === undefined && filter !== null) page.sums = await store.eventSums(filter, MAX_SUMS); // prettier-ignore
  return page;
};

/** Events as they are now, with what their objects belong to. */
export async function describeEvents(asked: Asked, events: readonly StoredEvent[]): Promise<RecordedEvent[]> {
  const owners = new EventOwners(asked.store);
  const belongings = new EventBelongings(asked, (await asked.store.last())?.at ?? 0);
  const query: EventQuery = { scope: {}, limit: events.length, related: true };
  const views = await Promise.all(events.map((event) => viewOf(event, query, asked, owners, belongings)));
  return views.filter((view) => view !== null);
}

/** null where the scope is of a type that has no kind in the ledger: nothing is about it. */
async function filterOf(query: EventQuery, owners: EventOwners): Promise<EventFilter | null> {
  const { scope, since, until, types, uids, owned } = query;
  const { type, namespace, names } = scope;
  const filter: EventFilter = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(uids === undefined ? {} : { uids }),
    ...(types === undefined ? {} : { types }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  // What is controlled is of other types, and has other names.
  if (type === undefined || owned === true)
    return names === undefined || owned === true ? filter : { ...filter, names };
  const kind = await owners.kindOf(type);
  if (kind === null) return null;
  return { ...filter, group: type.group, kind, ...(names === undefined ? {} : { names }) };
}

async function viewOf(
  stored: StoredEvent,
  query: EventQuery,
  { store }: Asked,
  owners: EventOwners,
  belongings: EventBelongings,
): Promise<RecordedEvent | null> {
  const { facts, states, merged, goneAt } = stored;
  const { about, version: _, ...said } = facts;
  const { scope, owned, related } = query;
  const wantsChain = owned === true || related === true || scope.of !== undefined;
  const chain = wantsChain ? await owners.chainOf(about, facts.lastAt) : [];
  if (owned === true && !(await isOwned(stored, chain, query, owners))) return null;
  if (!(await belongings.isWanted(chain, facts.lastAt))) return null;
  const whole = states.at(-1);
  const attempt = await attemptOf(store, owners, facts);
  return {
    ...said,
    id: globalEventId(store.cluster, facts.uid),
    object: { ...about, resource: await owners.resourceOf(about) },
    countIn: countIn(stored, query.since ?? 0),
    merged,
    goneAt,
    ...(query.steps === true ? { steps: stepsOf(stored, query.since ?? 0) } : {}),
    ...(query.whole === true && whole !== undefined ? { event: whole } : {}),
    ...(related === true ? await relatedTo(stored, chain, belongings) : {}),
    ...(attempt === null ? {} : { attempt }),
  };
}

/** True where the Event is about something of the scope, or about what that controls. */
async function isOwned(
  { facts: { about } }: StoredEvent,
  chain: readonly Link[],
  { scope }: EventQuery,
  owners: EventOwners,
): Promise<boolean> {
  const { type, names } = scope;
  const isNamed = (object: { group: string; resource: string; name: string }): boolean =>
    (type === undefined || (type.group === object.group && type.resource === object.resource)) &&
    (names === undefined || names.includes(object.name));
  const resource = await owners.resourceOf(about);
  return isNamed({ ...about, resource }) || chain.some(({ object }) => isNamed(object));
}

async function relatedTo(
  { facts }: StoredEvent,
  chain: readonly Link[],
  belongings: EventBelongings,
): Promise<Pick<RecordedEvent, 'owner' | 'application' | 'composition'>> {
  const owner = chain.length > 1 ? chain.at(-1)?.object : undefined;
  const { application } = await belongings.saidOf(chain, facts.lastAt);
  const composition = compositionOf(chain);
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(application === null ? {} : { application }),
    ...(composition === undefined ? {} : { composition }),
  };
}

/** How often it happened from a moment on: what was counted before that does not count. */
function countIn({ facts, states }: StoredEvent, since: number): number {
  const before = states.map(eventFacts).findLast(({ lastAt }) => lastAt < since);
  if (before !== undefined) return Math.max(facts.count - before.count, 1);
  if (facts.firstAt >= since) return facts.count;
  // Of what was counted together when it was first seen, the last one is sure.
  const [first] = states;
  return first === undefined ? 1 : facts.count - eventFacts(first).count + 1;
}

function stepsOf({ states }: StoredEvent, since: number): EventStep[] {
  let before: string | null = null;
  return states
    .map(eventFacts)
    .filter(({ lastAt }) => lastAt >= since)
    .map(({ lastAt, count, message }) => {
      const step = { at: lastAt, count, ...(message === before ? {} : { message }) };
      before = message;
      return step;
    });
}

function placeIn(token: string): EventPlace {
  const [, lastAt = '', id = ''] = /^(\d{1,15})\.(\d{1,15})$/.exec(token) ?? [];
  if (id === '') throw new KubeblameError('query-invalid', `continue: ${JSON.stringify(token)} was not given with a page`); // prettier-ignore
  return { lastAt: Number(lastAt), id: Number(id) };
}
