import { ERROR_CODES, KubeblameError, messageOf, type ErrorCode } from './errors.ts';
import { isObject } from './json.ts';
import type { RulesQuery } from './landscape/recorded-rules.ts';
import { parseLandscapeRules } from './landscape/rules.ts';
import {
  type ApplicationQuery,
  type Belonging,
  type BlameQuery,
  type ChangeQuery,
  type DifferenceQuery,
  type GraphQuery,
  type ImpactQuery,
  type Json,
  type Scope,
  type StateQuery,
  type UserQuery,
} from './types.ts';

/*
 * The read API, version 1, as pure data: what the server routes and the client asks. All routes answer GET with JSON
 * (stringifyJson and parseJson: numbers and keys stay exact). Times are ms since the epoch. A body is what the
 * LedgerReader's method of that name returns; an error is {"error": {"code", "message", "hint"}}.
 */
const PREFIX = '/api/v1';

export const ROUTES = {
  info: `${PREFIX}/info`,
  resources: `${PREFIX}/resources`,
  objects: `${PREFIX}/objects`,
  changes: `${PREFIX}/changes`,
  users: `${PREFIX}/users`,
  states: `${PREFIX}/states`,
  differences: `${PREFIX}/differences`,
  blame: `${PREFIX}/blame`,
  graph: `${PREFIX}/graph`,
  impact: `${PREFIX}/impact`,
  applications: `${PREFIX}/applications`,
  facts: `${PREFIX}/facts`,
  coverage: `${PREFIX}/coverage`,
} as const;

/** The native API, which the API server aggregates where the overlay native-api is installed. */
export const NATIVE_API = {
  group: 'kubeblame.io',
  version: 'v1alpha1',
  path: '/apis/kubeblame.io/v1alpha1',
  /** Under it, the routes above by name: for kubectl-blame, which asks more than resources can say. */
  questions: 'questions',
} as const;
/** The longest that a question may wait for a change, in ms: proxies between give up after a minute. */
export const MAX_WAIT_MS = 30_000;

/** Items a page: what is given where `limit` is missing, and the most that may be asked for. */
export const LIMITS = {
  objects: { fallback: 100, max: 1000 },
  changes: { fallback: 50, max: 1000 },
  states: { fallback: 100, max: 500 },
  differences: { fallback: 100, max: 500 },
  blame: { fallback: 20, max: 100 },
} as const;

export interface ObjectQuery {
  scope: Scope;
  limit: number;
}

const RULES_PARAMETERS = ['rules', 'rulesThen'] as const;
const SCOPE_PARAMETERS = [
  ...(['group', 'resource', 'namespace', 'withNamespaceObject', 'name', 'labels', 'application', 'team'] as const),
  ...RULES_PARAMETERS,
];

export function encodeObjectQuery({ scope, limit }: ObjectQuery): URLSearchParams {
  return params([...scopeEntries(scope), ['limit', limit]]);
}

/** Throws KubeblameError query-invalid, as all decoders do, which names the parameter. */
export function decodeObjectQuery(search: URLSearchParams): ObjectQuery {
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, 'limit']);
  return { scope: reader.scope(), limit: reader.limit(LIMITS.objects) };
}

/** Each may be given more than once. */
const MATCHES = [
  ['user', 'users'],
  ['userGroup', 'userGroups'],
  ['manager', 'managers'],
  ['operation', 'operations'],
  ['excludeUser', 'excludeUsers'],
] as const;

export function encodeChangeQuery(query: ChangeQuery): URLSearchParams {
  const { scope, since, until, field, status, attempts, bodies, causes, limit, before } = query;
  const { newerThan, seqs, after, waitMs } = query;
  return params([
    ...scopeEntries(scope),
    ...(seqs ?? []).map((seq): Entry => ['seq', seq]),
    ['since', since],
    ['until', until],
    ...MATCHES.flatMap(([parameter, name]) => (query[name] ?? []).map((text): Entry => [parameter, text])),
    ['field', field],
    ['status', status],
    ['attempts', attempts],
    ['bodies', bodies],
    ['causes', causes],
    ['limit', limit],
    ['before', before],
    ['newerThan', newerThan],
    ['after', after],
    ['waitMs', waitMs],
  ]);
}

export function decodeChangeQuery(search: URLSearchParams): ChangeQuery {
  const flags = ['status', 'attempts', 'bodies', 'causes'] as const;
  const numbers = ['since', 'until', 'before', 'newerThan', 'after', 'waitMs'] as const;
  const matches = MATCHES.map(([parameter]) => parameter);
  const known = [...SCOPE_PARAMETERS, ...flags, ...numbers, ...matches, 'field', 'seq', 'limit'];
  const reader = new ParameterReader(search, known);
  const query: ChangeQuery = { scope: reader.scope(), limit: reader.limit(LIMITS.changes) };
  for (const name of numbers) {
    const value = reader.integer(name);
    if (value !== undefined) query[name] = value;
  }
  for (const name of flags) {
    const value = reader.flag(name);
    if (value !== undefined) query[name] = value;
  }
  for (const [parameter, name] of MATCHES) {
    const values = search.getAll(parameter);
    if (values.length > 0) query[name] = values;
  }
  const field = reader.text('field');
  if (field !== undefined) query.field = field;
  const seqs = reader.integers('seq');
  if (seqs.length > 0) query.seqs = seqs;
  if (query.waitMs !== undefined && query.after === undefined) fail('waitMs', 'needs the parameter after');
  if (query.waitMs !== undefined && query.waitMs > MAX_WAIT_MS) fail('waitMs', `must be at most ${MAX_WAIT_MS}`);
  return query;
}

export function encodeUserQuery({ scope, since, until, status }: UserQuery): URLSearchParams {
  return params([...scopeEntries(scope), ['since', since], ['until', until], ['status', status]]);
}

export function decodeUserQuery(search: URLSearchParams): UserQuery {
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, 'since', 'until', 'status']);
  const query: UserQuery = { scope: reader.scope() };
  for (const name of ['since', 'until'] as const) {
    const value = reader.integer(name);
    if (value !== undefined) query[name] = value;
  }
  const status = reader.flag('status');
  return status === undefined ? query : { ...query, status };
}

export function encodeStateQuery(query: StateQuery): URLSearchParams {
  return params([...scopeEntries(query.scope), ['at', query.at], ['limit', query.limit], ['continue', query.continue]]);
}

export function decodeStateQuery(search: URLSearchParams): StateQuery {
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, 'at', 'limit', 'continue']);
  const token = reader.text('continue');
  return {
    scope: reader.scope(),
    at: reader.moment('at'),
    limit: reader.limit(LIMITS.states),
    ...(token === undefined ? {} : { continue: token }),
  };
}

export function encodeDifferenceQuery(query: DifferenceQuery): URLSearchParams {
  const { scope, from, to, limit } = query;
  return params([...scopeEntries(scope), ['from', from], ['to', to], ['limit', limit], ['continue', query.continue]]);
}

export function decodeDifferenceQuery(search: URLSearchParams): DifferenceQuery {
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, 'from', 'to', 'limit', 'continue']);
  const token = reader.text('continue');
  return {
    scope: reader.scope(),
    from: reader.moment('from'),
    to: reader.moment('to'),
    limit: reader.limit(LIMITS.differences),
    ...(token === undefined ? {} : { continue: token }),
  };
}

/** `ignore` may be given more than once. */
export function encodeBlameQuery({
  scope,
  at,
  field,
  removed,
  ignore,
  humans,
  limit,
  ...rest
}: BlameQuery): URLSearchParams {
  return params([
    ...scopeEntries(scope),
    ['at', at],
    ['field', field],
    ['removed', removed],
    ...(ignore ?? []).map((user): Entry => ['ignore', user]),
    ['humans', humans],
    ['limit', limit],
    ['continue', rest.continue],
  ]);
}

export function decodeBlameQuery(search: URLSearchParams): BlameQuery {
  const own = ['at', 'field', 'removed', 'ignore', 'humans', 'limit', 'continue'];
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, ...own]);
  const [field, token] = [reader.text('field'), reader.text('continue')];
  const [removed, humans] = [reader.flag('removed'), reader.flag('humans')];
  const ignore = search.getAll('ignore');
  return {
    scope: reader.scope(),
    at: reader.moment('at'),
    limit: reader.limit(LIMITS.blame),
    ...(field === undefined ? {} : { field }),
    ...(removed === undefined ? {} : { removed }),
    ...(ignore.length === 0 ? {} : { ignore }),
    ...(humans === undefined ? {} : { humans }),
    ...(token === undefined ? {} : { continue: token }),
  };
}

/** The body of a failed request. */
export function encodeError({ code, message, hint }: KubeblameError): Json {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

/** The error in a body; null where it has none of a known form. A code that is not ours becomes server-error. */
export function decodeError(body: Json): KubeblameError | null {
  const error = isObject(body) ? body['error'] : undefined;
  if (error === undefined || !isObject(error)) return null;
  const { code, message, hint } = error;
  if (typeof code !== 'string' || typeof message !== 'string') return null;
  return new KubeblameError(
    isErrorCode(code) ? code : 'server-error',
    message,
    typeof hint === 'string' ? hint : undefined,
  );
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

type Entry = [name: string, value: string | number | boolean | undefined];

function scopeEntries({ type, namespace, withNamespaceObject, names, labels, of }: Scope): Entry[] {
  return [
    ['group', type?.group],
    ['resource', type?.resource],
    ['namespace', namespace],
    ['withNamespaceObject', withNamespaceObject],
    ...(names ?? []).map((name): Entry => ['name', name]),
    ['labels', labels],
    ...(of === undefined ? [] : [...belongingEntry(of), ...rulesEntries(of)]),
  ];
}

function belongingEntry(of: Belonging): Entry[] {
  return 'team' in of ? [['team', of.team]] : [['application', of.application]];
}

function rulesEntries({ rules, rulesThen }: RulesQuery): Entry[] {
  return [
    ['rules', rules],
    ['rulesThen', rulesThen],
  ];
}

export function encodeGraphQuery({ at }: GraphQuery): URLSearchParams {
  return params([['at', at]]);
}

export function decodeGraphQuery(search: URLSearchParams): GraphQuery {
  return { at: new ParameterReader(search, ['at']).moment('at') };
}

export function encodeImpactQuery({ scope, at, blow, hops }: ImpactQuery): URLSearchParams {
  return params([...scopeEntries(scope), ['at', at], ['blow', blow], ['hops', hops]]);
}

export function decodeImpactQuery(search: URLSearchParams): ImpactQuery {
  const reader = new ParameterReader(search, [...SCOPE_PARAMETERS, 'at', 'blow', 'hops']);
  const [blow, hops, scope] = [reader.text('blow') ?? 'changed', reader.integer('hops'), reader.scope()];
  if (blow !== 'gone' && blow !== 'changed') fail('blow', 'must be gone or changed');
  if (hops !== undefined && (hops < 1 || hops > MAX_HOPS)) fail('hops', `must be from 1 to ${MAX_HOPS}`);
  if (scope.labels !== undefined) fail('labels', 'is not asked for here');
  return { scope, at: reader.moment('at'), blow, ...(hops === undefined ? {} : { hops }) };
}

export function encodeApplicationQuery({ at, name, ...rules }: ApplicationQuery): URLSearchParams {
  return params([['at', at], ['application', name], ...rulesEntries(rules)]);
}

export function decodeApplicationQuery(search: URLSearchParams): ApplicationQuery {
  const reader = new ParameterReader(search, ['at', 'application', ...RULES_PARAMETERS]);
  const name = reader.text('application');
  return { at: reader.moment('at'), ...(name === undefined ? {} : { name }), ...reader.rules() };
}

/** More would be most of the cluster. */
const MAX_HOPS = 20;

function params(entries: Entry[]): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of entries) if (value !== undefined) search.append(name, String(value));
  return search;
}

/** Parameters that may be given more than once. */
const REPEATED: readonly string[] = ['name', 'ignore', 'seq', ...MATCHES.map(([parameter]) => parameter)];

/** Reads parameters. */
class ParameterReader {
  constructor(
    private readonly search: URLSearchParams,
    known: readonly string[],
  ) {
    for (const name of new Set(search.keys())) {
      if (!known.includes(name)) {
        throw new KubeblameError(
          'query-invalid',
          `unknown query parameter ${JSON.stringify(name)}`,
          `known ones: ${known.join(', ')}`,
        );
      }
      if (!REPEATED.includes(name) && search.getAll(name).length > 1) fail(name, 'is given more than once');
    }
  }

  scope(): Scope {
    const [group, resource] = [this.text('group'), this.text('resource')];
    if (group !== undefined && resource === undefined) fail('group', 'needs the parameter resource');
    if (resource === '') fail('resource', 'is empty');
    const [namespace, labels] = [this.text('namespace'), this.text('labels')];
    const withNamespaceObject = this.flag('withNamespaceObject');
    if (withNamespaceObject === true && namespace === undefined)
      fail('withNamespaceObject', 'needs the parameter namespace');
    const names = this.search.getAll('name');
    const of = this.belonging();
    return {
      ...(resource === undefined ? {} : { type: { group: group ?? '', resource } }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(withNamespaceObject === undefined ? {} : { withNamespaceObject }),
      ...(names.length === 0 ? {} : { names }),
      ...(labels === undefined ? {} : { labels }),
      ...(of === undefined ? {} : { of }),
    };
  }

  private belonging(): Belonging | undefined {
    const [application, team, rules] = [this.text('application'), this.text('team'), this.rules()];
    if (application !== undefined && team !== undefined) fail('team', 'does not go with the parameter application');
    if (application !== undefined) return { application, ...rules };
    if (team !== undefined) return { team, ...rules };
    const [first] = Object.keys(rules);
    return first === undefined ? undefined : fail(first, 'needs the parameter application or team');
  }

  rules(): RulesQuery {
    const [rules, rulesThen] = [this.text('rules'), this.flag('rulesThen')];
    try {
      parseLandscapeRules(rules ?? '', 'rules');
    } catch (error) {
      fail('rules', `cannot be used: ${messageOf(error)}`);
    }
    if (rules !== undefined && rulesThen === true) fail('rulesThen', 'does not go with the parameter rules');
    return { ...(rules === undefined ? {} : { rules }), ...(rulesThen === undefined ? {} : { rulesThen }) };
  }

  text(name: string): string | undefined {
    return this.search.get(name) ?? undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value !== undefined && value !== 'true' && value !== 'false') fail(name, 'must be true or false');
    return value === undefined ? undefined : value === 'true';
  }

  integer(name: string): number | undefined {
    return this.integers(name)[0];
  }

  integers(name: string): number[] {
    return this.search.getAll(name).map((value) => this.parse(name, value));
  }

  private parse(name: string, value: string): number {
    const number = Number(value);
    if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) fail(name, 'must be an integer');
    return number;
  }

  moment(name: string): number {
    return this.integer(name) ?? fail(name, 'is missing: ms since the epoch');
  }

  limit({ fallback, max }: { fallback: number; max: number }): number {
    const limit = this.integer('limit') ?? fallback;
    if (limit < 1 || limit > max) fail('limit', `must be from 1 to ${max}`);
    return limit;
  }
}

function fail(name: string, reason: string): never {
  throw new KubeblameError('query-invalid', `the query parameter ${name} ${reason}`);
}
