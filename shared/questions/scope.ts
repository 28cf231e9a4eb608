import { flag, fail, text, texts, type Parameter } from './parameters.ts';

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
}

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

/** The one field of a query that has several parameters. */
export const scope: Parameter<Scope, true> = {
  always: true,
  names: [GROUP, RESOURCE, NAMESPACE, WITH_NAMESPACE_OBJECT, NAMES, LABELS].flatMap(({ names }) => names),
  encode: ({ type, namespace, withNamespaceObject, names, labels }) => [
    ['group', type?.group],
    ['resource', type?.resource],
    ['namespace', namespace],
    ['withNamespaceObject', withNamespaceObject],
    ...NAMES.encode(names ?? []),
    ['labels', labels],
  ],
  decode: (search) => {
    const [group, resource] = [GROUP.decode(search), RESOURCE.decode(search)];
    if (group !== undefined && resource === undefined) fail('group', 'needs the parameter resource');
    if (resource === '') fail('resource', 'is empty');
    const [namespace, withNamespaceObject] = [NAMESPACE.decode(search), WITH_NAMESPACE_OBJECT.decode(search)];
    if (withNamespaceObject === true && namespace === undefined)
      fail('withNamespaceObject', 'needs the parameter namespace');
    const [names, labels] = [NAMES.decode(search), LABELS.decode(search)];
    return {
      ...(resource === undefined ? {} : { type: { group: group ?? '', resource } }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(withNamespaceObject === undefined ? {} : { withNamespaceObject }),
      ...(names === undefined ? {} : { names }),
      ...(labels === undefined ? {} : { labels }),
    };
  },
};
