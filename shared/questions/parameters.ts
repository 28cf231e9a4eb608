import { KubeblameError } from '../errors.ts';

/*
 * The query of a question, as it stands in a URL: each field of the query is a parameter, which knows its name, how it is written
 * and read, and what docs/api.md says of it.
 */

type Value = string | number | boolean | undefined;
export type Entry = [name: string, value: Value];

/** One name in a URL, for its documentation. */
export interface ParameterName {
  name: string;
  /** What it takes: `true or false`. */
  form: string;
  about: string;
  /** It may be given more than once. */
  repeated?: boolean;
}

/** A field of a query. `Always`: the query has it even where the URL does not say it. */
export interface Parameter<T, Always extends boolean = boolean> {
  readonly always: Always;
  readonly names: readonly ParameterName[];
  encode(value: T): Entry[];
  /** Throws query-invalid, which names the parameter. */
  decode(search: URLSearchParams): T | (Always extends true ? never : undefined);
}

type Parameters = Record<string, Parameter<unknown>>;
type TypeOf<P> = P extends Parameter<infer T> ? T : never;
type AlwaysIn<P extends Parameters> = { [K in keyof P]: P[K] extends { always: true } ? K : never }[keyof P];

/** The query that parameters make: the optional ones are absent where they are not given. */
export type Query<P extends Parameters> = { [K in AlwaysIn<P>]: TypeOf<P[K]> } & {
  [K in Exclude<keyof P, AlwaysIn<P>>]?: TypeOf<P[K]>;
};

/** Writes a query into a URL, and reads it. */
export interface Codec<Q> {
  readonly names: readonly ParameterName[];
  encode(query: Q): URLSearchParams;
  /** Throws KubeblameError query-invalid, which names the parameter. */
  decode(search: URLSearchParams): Q;
}

/** `check` throws query-invalid where parameters do not go together. */
export function codec<P extends Parameters>(
  parameters: P,
  check: (query: Query<P>) => void = () => undefined,
): Codec<Query<P>> {
  const fields = Object.entries<Parameter<unknown>>(parameters);
  const names = fields.flatMap(([, parameter]) => parameter.names);
  return {
    names,
    encode: (query) => {
      const search = new URLSearchParams();
      for (const [field, parameter] of fields) {
        const value = (query as Record<string, unknown>)[field];
        if (value === undefined) continue;
        for (const [name, text] of parameter.encode(value)) if (text !== undefined) search.append(name, String(text));
      }
      return search;
    },
    decode: (search) => {
      requireKnown(search, names);
      const query: Record<string, unknown> = {};
      for (const [field, parameter] of fields) {
        const value = parameter.decode(search);
        if (value !== undefined) query[field] = value;
      }
      check(query as Query<P>);
      return query as Query<P>;
    },
  };
}

/** Of a question that has no parameters. */
export const NO_PARAMETERS: Codec<void> = {
  names: [],
  encode: () => new URLSearchParams(),
  decode: (search) => requireKnown(search, []),
};

function requireKnown(search: URLSearchParams, names: readonly ParameterName[]): void {
  for (const given of new Set(search.keys())) {
    const known = names.find(({ name }) => name === given);
    if (known === undefined) {
      throw new KubeblameError(
        'query-invalid',
        `unknown query parameter ${JSON.stringify(given)}`,
        names.length === 0 ? 'this question has none' : `known ones: ${names.map(({ name }) => name).join(', ')}`,
      );
    }
    if (known.repeated !== true && search.getAll(given).length > 1) fail(given, 'is given more than once');
  }
}

/** Throws query-invalid. */
export function fail(name: string, reason: string): never {
  throw new KubeblameError('query-invalid', `the query parameter ${name} ${reason}`);
}

function optional<T extends Value>(
  name: string,
  form: string,
  about: string,
  parse: (text: string) => T,
): Parameter<T, false> {
  return {
    always: false,
    names: [{ name, form, about }],
    encode: (value) => [[name, value]],
    decode: (search) => {
      const text = search.get(name);
      return text === null ? undefined : parse(text);
    },
  };
}

/** Absent where there is none: an empty list says nothing. */
function list<T extends Value>(
  name: string,
  form: string,
  about: string,
  parse: (text: string) => T,
): Parameter<T[], false> {
  return {
    always: false,
    names: [{ name, form, about, repeated: true }],
    encode: (values) => values.map((value) => [name, value]),
    decode: (search) => {
      const values = search.getAll(name).map(parse);
      return values.length === 0 ? undefined : values;
    },
  };
}

export function text(name: string, about: string): Parameter<string, false> {
  return optional(name, 'text', about, (value) => value);
}

/** Any number of texts, each under the same name. */
export function texts(name: string, about: string): Parameter<string[], false> {
  return list(name, 'text', about, (value) => value);
}

export function flag(name: string, about: string): Parameter<boolean, false> {
  return optional(name, '`true` or `false`', about, (value) => {
    if (value !== 'true' && value !== 'false') fail(name, 'must be true or false');
    return value === 'true';
  });
}

export function integer(name: string, about: string): Parameter<number, false> {
  return optional(name, 'integer', about, (value) => integerIn(name, value));
}

export function integers(name: string, about: string): Parameter<number[], false> {
  return list(name, 'integer', about, (value) => integerIn(name, value));
}

/** An optional number with bounds, both included. */
export function integerFrom(min: number, max: number, name: string, about: string): Parameter<number, false> {
  return optional(name, `${min} to ${max}`, about, (value) => {
    const number = integerIn(name, value);
    if (number < min || number > max) fail(name, `must be from ${min} to ${max}`);
    return number;
  });
}

/** A time that must be given. */
export function moment(name: string, about: string): Parameter<number, true> {
  const time = integer(name, about);
  return {
    ...time,
    always: true,
    names: [{ name, form: 'ms, required', about }],
    decode: (search) => time.decode(search) ?? fail(name, 'is missing: ms since the epoch'),
  };
}

/** Items a page: what is given where `limit` is missing, and the most that may be asked for. */
export interface Limits {
  fallback: number;
  max: number;
}

export function limit({ fallback, max }: Limits): Parameter<number, true> {
  const number = integerFrom(1, max, 'limit', 'Items a page.');
  return {
    ...number,
    always: true,
    names: [{ name: 'limit', form: `1 to ${max}, ${fallback} unless given`, about: 'Items a page.' }],
    decode: (search) => number.decode(search) ?? fallback,
  };
}

/** One of some words. */
export function choice<T extends string>(
  name: string,
  words: readonly T[],
  fallback: T,
  about: string,
): Parameter<T, true> {
  const word = optional(name, 'text', about, (given) => {
    return words.find((known) => known === given) ?? fail(name, `must be ${words.join(' or ')}`);
  });
  return {
    ...word,
    always: true,
    names: [
      { name, form: `${words.map((known) => `\`${known}\``).join(' or ')}; \`${fallback}\` unless given`, about },
    ],
    decode: (search) => word.decode(search) ?? fallback,
  };
}

/** A field that never leaves the process. */
export function notSent<T>(): Parameter<T, false> {
  return { always: false, names: [], encode: () => [], decode: () => undefined };
}

function integerIn(name: string, value: string): number {
  const number = Number(value);
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(number)) fail(name, 'must be an integer');
  return number;
}
