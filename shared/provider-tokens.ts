import { rules } from '@secretlint/secretlint-rule-preset-recommend';

/** Where in a text something stands: from, and up to. */
export type Span = readonly [from: number, to: number];

/** What of a secretlint rule is used here (@secretlint/types is no dependency of the preset). */
interface Rule {
  meta: { id: string };
  create(context: unknown, options: object): { file?: (source: object) => unknown };
}

/**
 * Left out: `gcp` reads files, asynchronously; `aws` reports its finding at the wrong place, and we find these keys by their names;
 * `basicauth` and `database-connection-string` report whole URLs, of which only the password is confidential; the last one is no rule.
 */
const LEFT_OUT = ['gcp', 'aws', 'basicauth', 'database-connection-string', 'filter-comments'];
const NAME = '@secretlint/secretlint-rule-';

/** Without one of these no rule can match: most texts end here. A test compares it with the rules' own examples. */
const BEGINNINGS =
  /-----BEGIN|_authToken=|npm_|xox[a-z]-|xapp-|hooks\.slack\.com|SG\.|shp(?:pa|ca|at|ss)_|gh[pousr]_|github_pat_|sk-|lin_api_|ops_ey|x-oauth-basic/;

const MESSAGES = { createTranslator: () => () => ({}), ignore: () => undefined };

interface Report {
  range: readonly [number, number];
}

let found: Span[] = [];

/** The rules report to `found`, synchronously: made once, for all texts. */
const RULES = (rules as unknown as Rule[])
  .filter(({ meta }) => !LEFT_OUT.includes(meta.id.slice(NAME.length)))
  .map((rule) => rule.create({ ...MESSAGES, report: ({ range }: Report) => void found.push([...range]) }, {}));

/**
 * Tokens and keys of well-known providers (GitHub, Slack, npm, OpenAI, private keys, ...), which are told by their form: by
 * secretlint's recommended rules.
 */
export function providerTokens(content: string): Span[] {
  if (!BEGINNINGS.test(content)) return [];
  found = [];
  for (const rule of RULES) void rule.file?.({ content, filePath: '', ext: '', contentType: 'text' });
  return found;
}
