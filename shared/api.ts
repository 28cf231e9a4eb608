import { ERROR_CODES, KubeblameError, type ErrorCode } from './errors.ts';
import { isObject } from './json.ts';
import { QUESTION_NAMES, type QuestionName } from './questions/table.ts';
import type { Json } from './types.ts';

/*
 * The read API, version 1, as pure data: what the server routes and the client asks. All routes answer GET with JSON
 * (stringifyJson and parseJson: numbers and keys stay exact). Times are ms since the epoch. A body is what the
 * LedgerReader's method of that name returns; an error is {"error": {"code", "message", "hint"}}. docs/api.md lists them.
 */

/** The path of each question, by its name. */
export const ROUTES = Object.fromEntries(QUESTION_NAMES.map((name) => [name, `/api/v1/${name}`])) as {
  readonly [Name in QuestionName]: string;
};

/** The native API, which the API server aggregates where the overlay native-api is installed. */
export const NATIVE_API = {
  group: 'kubeblame.io',
  version: 'v1alpha1',
  path: '/apis/kubeblame.io/v1alpha1',
  /** Under it, the routes above by name: for kubectl-blame, which asks more than resources can say. */
  questions: 'questions',
} as const;

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
