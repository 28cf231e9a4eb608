import { KubeblameError } from '../../../../shared/errors.ts';
import { QUESTIONS } from '../../../../shared/questions/table.ts';
import { qualifiedName, resolveType } from '../../../../shared/resource-types.ts';
import { parseTime } from '../../../../shared/time.ts';
import {
  OPERATIONS,
  type ChangeQuery,
  type ResourceType,
  type Scope,
  type StateQuery,
} from '../../../../shared/types.ts';
import { parseFieldSelector } from './field-selector.ts';

/** Items a page where `limit` does not say, and the most: kubectl asks for 500 at a time. */
const PAGE = QUESTIONS.states.limits.max;
const MAX_LABELS = 4_096;
/** A watch that says nothing of its length lasts half an hour, as for the API server itself. */
const WATCH_SECONDS = 1_800;
const MAX_WATCH_SECONDS = 3_600;

const METADATA = ['metadata.name', 'metadata.namespace'];

/** Types that the ledger has seen: for names of custom resources in selectors. */
export type Seen = () => Promise<readonly ResourceType[]>;

export interface WatchOptions {
  /** The seq after which it begins; null: with what there is. */
  after: number | null;
  timeoutSeconds: number;
  bookmarks: boolean;
}

export function isWatch(search: URLSearchParams): boolean {
  return ['1', 'true'].includes(search.get('watch') ?? '');
}

/** `limit`, `continue`, `fieldSelector`, `labelSelector` of a list of changes. Rejects with query-invalid. */
export async function changeOptions(
  search: URLSearchParams,
  namespace: string | null,
  seen: Seen,
): Promise<ChangeQuery> {
  const fields = parseFieldSelector(search.get('fieldSelector') ?? '', [
    'user',
    'resource',
    'name',
    'operation',
    ...METADATA,
  ]);
  const [user, operation, seq] = [fields.get('user'), fields.get('operation'), fields.get('metadata.name')];
  return {
    ...(await scopeOf(search, fields, namespace, seen)),
    ...(user === undefined ? {} : { users: [user] }),
    ...(operation === undefined ? {} : { operations: [operationOf(operation)] }),
    limit: limitOf(search),
    ...(search.get('continue') ? { before: continueOf(search) } : {}),
    ...(seq === undefined ? {} : oneChange(seq)),
  };
}

/** The change of one number only, whatever became of it; of what is no number, none. */
export function oneChange(name: string): Pick<ChangeQuery, 'newerThan' | 'before' | 'status' | 'attempts'> {
  const seq = /^[1-9]\d{0,14}$/.test(name) ? Number(name) : 0;
  return { newerThan: Math.max(0, seq - 1), before: seq === 0 ? 1 : seq + 1, status: true, attempts: true };
}

/** The same of a list of states, with `at` among the fields. `now` is ms. */
export async function stateOptions(
  search: URLSearchParams,
  namespace: string | null,
  seen: Seen,
  now: number,
): Promise<StateQuery> {
  const fields = parseFieldSelector(search.get('fieldSelector') ?? '', ['at', 'resource', 'name', ...METADATA]);
  const token = search.get('continue') ?? '';
  const id = fields.get('metadata.name');
  const query = await scopeOf(search, fields, namespace, seen);
  return {
    scope: id === undefined ? query.scope : { ...query.scope, ...(await objectOf(id, seen)) },
    at: fields.has('at') ? parseTime(fields.get('at') ?? '', now, 'UTC') : now,
    limit: limitOf(search),
    ...(token === '' ? {} : { continue: token }),
  };
}

/** The name of a state: `deployments.apps:web`. Names of objects never hold what a path cannot. */
export function stateName(object: { group: string; resource: string; name: string }): string {
  return `${qualifiedName(object)}:${object.name}`;
}

/** What a state's name names. */
export async function objectOf(name: string, seen: Seen): Promise<Pick<Scope, 'type' | 'names'>> {
  const colon = name.indexOf(':');
  if (colon < 1) throw invalid('name', `of a state is RESOURCE.GROUP:NAME, and not ${JSON.stringify(name)}`);
  return { type: await typeOf(name.slice(0, colon), seen), names: [name.slice(colon + 1)] };
}

export function watchOptions(search: URLSearchParams): WatchOptions {
  if (search.get('sendInitialEvents') === 'true') throw invalid('sendInitialEvents', 'is not supported');
  const version = search.get('resourceVersion') ?? '';
  const seconds = search.get('timeoutSeconds') ?? '';
  return {
    after: version === '' || version === '0' ? null : integer('resourceVersion', version),
    timeoutSeconds: seconds === '' ? WATCH_SECONDS : Math.min(integer('timeoutSeconds', seconds), MAX_WATCH_SECONDS),
    bookmarks: ['1', 'true'].includes(search.get('allowWatchBookmarks') ?? ''),
  };
}

async function scopeOf(
  search: URLSearchParams,
  fields: ReadonlyMap<string, string>,
  namespace: string | null,
  seen: Seen,
): Promise<{ scope: Scope }> {
  const labels = search.get('labelSelector') ?? '';
  if (labels.length > MAX_LABELS) throw invalid('labelSelector', `is longer than ${MAX_LABELS} characters`);
  const [resource, name, inside] = [fields.get('resource'), fields.get('name'), fields.get('metadata.namespace')];
  if (inside !== undefined && namespace !== null && inside !== namespace) {
    throw invalid('fieldSelector', 'names another namespace than the path');
  }
  const where = namespace ?? inside;
  return {
    scope: {
      ...(resource === undefined ? {} : { type: await typeOf(resource, seen) }),
      ...(where === undefined ? {} : { namespace: where }),
      ...(name === undefined ? {} : { names: [name] }),
      ...(labels === '' ? {} : { labels }),
    },
  };
}

/** As kubectl takes types: `deploy`, `deployments.apps`, `Deployment`. */
async function typeOf(text: string, seen: Seen): Promise<{ group: string; resource: string }> {
  try {
    const { group, resource } = resolveType(text, await seen());
    return { group, resource };
  } catch (error) {
    if (!(error instanceof KubeblameError)) throw error;
    throw new KubeblameError('query-invalid', `the field selector cannot be used: ${error.message}`, error.hint);
  }
}

function operationOf(text: string): (typeof OPERATIONS)[number] {
  const operation = OPERATIONS.find((known) => known === text.toUpperCase());
  if (operation === undefined) throw invalid('fieldSelector', `has an operation other than ${OPERATIONS.join(', ')}`);
  return operation;
}

/** More than a page may be asked for: the rest follows by `continue`. */
function limitOf(search: URLSearchParams): number {
  const text = search.get('limit') ?? '';
  const limit = text === '' ? 0 : integer('limit', text);
  return limit === 0 ? PAGE : Math.min(limit, PAGE);
}

function continueOf(search: URLSearchParams): number {
  const token = search.get('continue') ?? '';
  if (!/^[1-9]\d{0,14}$/.test(token)) throw invalid('continue', 'was not given with a page');
  return Number(token);
}

function integer(name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalid(name, 'must be a number');
  return Number(text);
}

function invalid(name: string, reason: string): KubeblameError {
  return new KubeblameError('query-invalid', `the query parameter ${name} ${reason}`);
}
