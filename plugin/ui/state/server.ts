import { TOKEN_PARAMETER } from './link.ts';

/*
 * The way to the server of this page. The token comes behind the `#` of the address, which no server sees; it stays in this tab, and is
 * sent as a header, which no other page can.
 */

const STORED = 'kubeblame-token';
const TOKEN_HEADER = 'x-kubeblame-token';

/** What the server answered instead of an answer. */
export class AnswerError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly hint = '',
  ) {
    super(message);
  }
}

/** Takes the token out of the address, so that nobody who looks over the shoulder reads it. */
export function takeToken(): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const given = fragment.get(TOKEN_PARAMETER);
  if (given === null) return;
  sessionStorage.setItem(STORED, given);
  fragment.delete(TOKEN_PARAMETER);
  const rest = fragment.toString();
  history.replaceState(null, '', rest === '' ? location.pathname : `#${rest}`);
}

export function token(): string {
  return sessionStorage.getItem(STORED) ?? '';
}

type Parameter = string | number | boolean | undefined;

/** Asks a question. Rejects with AnswerError; with status 0 where the server does not run any more. */
export async function ask<T>(path: string, query: Record<string, Parameter> = {}): Promise<T> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  let response: Response;
  try {
    response = await fetch(`${path}?${search}`, { headers: { [TOKEN_HEADER]: token() } });
  } catch {
    throw new AnswerError(
      'kubectl blame ui does not run any more',
      0,
      'start it again, and open the address that it prints',
    );
  }
  const body = (await response.json()) as T & { error?: { message: string; hint?: string } };
  if (response.ok) return body;
  throw new AnswerError(
    body.error?.message ?? `the server answered ${response.status}`,
    response.status,
    body.error?.hint,
  );
}
