import type { RulesQuery } from '../landscape/recorded-rules.ts';
import { checkRules, RULES, RULES_THEN } from './rules.ts';
import { flag, fail, text, texts, type Entry, type Parameter } from './parameters.ts';

/** Which objects a question is about. All given conditions must hold; an empty scope is everything. */
export interface Scope {
  type?: { group: string; resource: string };
  /** Objects in this namespace. */
  namespace?: string;
  /** With `namespace`: also the Namespace object itself. */
  withNamespaceObject?: boolean;
  /** Exact names. */
  names?: string[];
  /** A label selector, as kubectl's -l has it, matched against the labels that the object had then. */
  labels?: string;
  /** Objects that belonged to an application, or were of a team, at the moment that is looked at. */
  of?: Belonging;
}

/** An application or a team, by its name (docs/applications.md). */
export type Belonging = ({ application: string } | { team: string }) & RulesQuery;

/**
 * Resource types that the reader may not read, or not everywhere in the scope: `secrets`, `deployments.apps`. They are
 * left out, whether there is anything of them or not; absent where nothing is.
 */
export type Denied = string[];

const GROUP = text('group', 'API group of `resource`; without it, or empty, the core group.');
const RESOURCE = text('resource', 'Only objects of this type, in the plural: `deployments`.');
const NAMESPACE = text('namespace', 'Only objects in this namespace.');
const WITH_NAMESPACE_OBJECT = flag('withNamespaceObject', 'With `namespace`: also the Namespace itself.');
const NAMES = texts('name', 'Only objects of this name.');
const LABELS = text('labels', "A label selector as kubectl's `-l`, matched against the labels of that time.");
const APPLICATION = text('application', 'Only objects that belonged to this application then.');
const TEAM = text('team', 'Only objects of this team then.');
const BELONGING = [APPLICATION, TEAM, RULES, RULES_THEN];

/** The one field of a query that has several parameters. */
export const scope: Parameter<Scope, true> = {
  always: true,
  names: [GROUP, RESOURCE, NAMESPACE, WITH_NAMESPACE_OBJECT, NAMES, LABELS, ...BELONGING].flatMap(({ names }) => names),
  encode: ({ type, namespace, withNamespaceObject, names, labels, of }) => [
    ['group', type?.group],
    ['resource', type?.resource],
    ['namespace', namespace],
    ['withNamespaceObject', withNamespaceObject],
    ...NAMES.encode(names ?? []),
    ['labels', labels],
    ...(of === undefined ? [] : belongingEntries(of)),
  ],
  decode: (search) => {
    const [group, resource] = [GROUP.decode(search), RESOURCE.decode(search)];
    if (group !== undefined && resource === undefined) fail('group', 'needs the parameter resource');
    if (resource === '') fail('resource', 'is empty');
    const [namespace, withNamespaceObject] = [NAMESPACE.decode(search), WITH_NAMESPACE_OBJECT.decode(search)];
    if (withNamespaceObject === true && namespace === undefined)
      fail('withNamespaceObject', 'needs the parameter namespace');
    const [names, labels, of] = [NAMES.decode(search), LABELS.decode(search), belongingIn(search)];
    return {
      ...(resource === undefined ? {} : { type: { group: group ?? '', resource } }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(withNamespaceObject === undefined ? {} : { withNamespaceObject }),
      ...(names === undefined ? {} : { names }),
      ...(labels === undefined ? {} : { labels }),
      ...(of === undefined ? {} : { of }),
    };
  },
};

function belongingEntries({ rules, rulesThen, ...of }: Belonging): Entry[] {
  return [
    ...('team' in of ? TEAM.encode(of.team) : APPLICATION.encode(of.application)),
    ...(rules === undefined ? [] : RULES.encode(rules)),
    ...(rulesThen === undefined ? [] : RULES_THEN.encode(rulesThen)),
  ];
}

function belongingIn(search: URLSearchParams): Belonging | undefined {
  const [application, team] = [APPLICATION.decode(search), TEAM.decode(search)];
  const [rules, rulesThen] = [RULES.decode(search), RULES_THEN.decode(search)];
  const asked = { ...(rules === undefined ? {} : { rules }), ...(rulesThen === undefined ? {} : { rulesThen }) };
  if (application !== undefined && team !== undefined) fail('team', 'does not go with the parameter application');
  checkRules(asked);
  if (application !== undefined) return { application, ...asked };
  if (team !== undefined) return { team, ...asked };
  const [first] = Object.keys(asked);
  return first === undefined ? undefined : fail(first, 'needs the parameter application or team');
}
