import { KubeblameError } from '../../shared/errors.ts';
import { namespacesApart } from '../../shared/landscape/applications.ts';
import type { RulesQuery } from '../../shared/landscape/recorded-rules.ts';
import { nearest } from '../../shared/resource-types.ts';
import type { LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { printable } from '../views/text.ts';
import type { Question, Request } from './request.ts';
import { readRules } from './rules-flags.ts';

/** Applications or teams that the words of a command line name. */
export interface NamedBelongings {
  what: 'application' | 'team';
  names: string[];
  /** Of `app/NAMESPACE/NAME`. */
  namespace?: string;
}

const WHAT = { app: 'application', team: 'team' } as const;

/** Reads `app/NAME ...`, `app NAME ...`, `app/NAMESPACE/NAME`, and the same of teams; null where the words name something else. Throws usage-invalid. */
export function readBelongings(words: readonly string[]): NamedBelongings | null {
  const [first = '', ...others] = words;
  const slashed = words.map((word) => /^(app|team)\/(?:([^/]+)\/)?([^/]+)$/.exec(word));
  if (slashed.every((match) => match === null)) {
    return (first === 'app' || first === 'team') && others.length > 0 ? { what: WHAT[first], names: others } : null;
  }
  const [kind, namespace] = [slashed[0]?.[1], slashed[0]?.[2]];
  if (slashed.some((match) => match?.[1] !== kind || match?.[2] !== namespace)) {
    throw new KubeblameError('usage-invalid', `${printable(words.join(' '))} are not all of one kind`, 'name only applications (app/NAME), only teams (team/NAME), or only objects (TYPE/NAME)'); // prettier-ignore
  }
  const names = slashed.map((match) => match?.[3] ?? '');
  return { what: kind === 'team' ? 'team' : 'application', names, ...(namespace === undefined ? {} : { namespace }) };
}

/**
 * The scopes of applications or teams, and what they are called. Rejects with name-unknown where the period of the question knows none of
 * the name, and with usage-invalid where several applications have it.
 */
export async function scopesOfBelongings(
  { what, names }: NamedBelongings,
  request: Request,
  reader: LedgerReader,
  io: Io,
): Promise<{ scopes: Scope[]; title: string }> {
  const rules = await readRules(request.rules, io);
  const { namespace, allNamespaces, labels } = request;
  const scopes: Scope[] = [];
  for (const name of names) {
    const of = what === 'team' ? { team: name, ...rules } : { application: name, ...rules };
    const scope: Scope = { ...(namespace === undefined ? {} : { namespace }), of };
    if (what === 'application' && namespace === undefined && !allNamespaces) await requireOne(name, rules, request.question, reader, io); // prettier-ignore
    await requireMember(name, what, scope, request.question, reader, io);
    scopes.push({ ...scope, ...(labels === undefined ? {} : { labels }) });
  }
  const where = namespace === undefined ? '' : ` in namespace ${printable(namespace)}`;
  return { scopes, title: `${what}${names.length === 1 ? '' : 's'} ${names.map((name) => printable(name)).join(', ')}${where}` }; // prettier-ignore
}

/** Objects that are looked at for where they are. */
const MANY = 1000;

/** The moments (ms) at which the names of a question are looked up, the newest first. */
async function momentsOf(question: Question, reader: LedgerReader, io: Io): Promise<number[]> {
  if (question.kind === 'differences') return [question.to, question.from];
  if (question.kind !== 'history') return [question.at];
  const end = question.until ?? io.now;
  return [end, question.since ?? (await reader.info()).firstAt ?? end];
}

/** Two applications of one name are told apart by their namespaces: guessing would mix their histories. */
async function requireOne(name: string, rules: RulesQuery, question: Question, reader: LedgerReader, io: Io) {
  for (const at of await momentsOf(question, reader, io)) {
    const [application] = (await reader.applications({ at, name, ...rules })).applications;
    if (application === undefined) continue;
    const apart = namespacesApart(application.members ?? []).map((each) => printable(each));
    if (apart.length < 2) return;
    throw new KubeblameError(
      'usage-invalid',
      `there are applications called ${JSON.stringify(printable(name))} in ${apart.length} namespaces: ${apart.join(', ')}`,
      `name one: app/${apart[0]}/${printable(name)}, or -n ${apart[0]}; -A takes them as one; a rule makes them one`,
    );
  }
}

/** Something must have belonged to it then: a misspelt name is not an empty history. */
async function requireMember(
  name: string,
  what: NamedBelongings['what'],
  scope: Scope,
  question: Question,
  reader: LedgerReader,
  io: Io,
): Promise<void> {
  const [end = io.now, from = end] = await momentsOf(question, reader, io);
  if ((await reader.states({ scope, at: end, limit: 1 })).states.length > 0) return;
  if (question.kind === 'differences' && (await reader.states({ scope, at: from, limit: 1 })).states.length > 0) return;
  if (question.kind === 'history') {
    const period = { since: from, until: end };
    if ((await reader.changes({ scope, ...period, status: true, attempts: true, limit: 1 })).changes.length > 0) return;
  }
  const { of, namespace } = scope;
  if (namespace !== undefined && of !== undefined) {
    const elsewhere = await reader.objects({ scope: { of }, limit: MANY });
    const places = [...new Set(elsewhere.map(({ object }) => printable(object.namespace || 'no namespace')))];
    if (places.length > 0) {
      throw new KubeblameError('name-unknown', `${what} ${printable(name)} had nothing in namespace ${printable(namespace)} then`, `it has objects in ${places.join(', ')}`); // prettier-ignore
    }
  }
  const page = await reader.applications({ at: end, ...rulesIn(of) });
  const known = what === 'team' ? [...new Set(page.applications.flatMap(({ teams }) => teams))].sort() : page.applications.map((each) => each.name); // prettier-ignore
  throw unknownBelonging(what, name, known);
}

function rulesIn(of: Scope['of']): RulesQuery {
  const { rules, rulesThen } = of ?? {};
  return { ...(rules === undefined ? {} : { rules }), ...(rulesThen === undefined ? {} : { rulesThen }) };
}

/** name-unknown: no application or team is called so. */
export function unknownBelonging(what: NamedBelongings['what'], name: string, known: readonly string[]) {
  const similar = nearest(name, known).map((each) => printable(each));
  const all = known.map((each) => printable(each)).join(', ');
  const hint = known.length === 0 ? 'none is known then' : similar.length > 0 ? `similar: ${similar.join(', ')}` : `known then: ${all}`; // prettier-ignore
  return new KubeblameError('name-unknown', `there is no ${what} ${JSON.stringify(printable(name))}`, hint);
}
