import type { ObjectRef } from '../../../../shared/types.ts';

export const DEFINITIONS = { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' } as const;

/** The definition of an object's resource, where it is a custom one; its uid is not known. */
export function definitionOf({ group, resource }: ObjectRef): ObjectRef | null {
  if (!group.includes('.')) return null;
  return {
    ...DEFINITIONS,
    kind: 'CustomResourceDefinition',
    namespace: '',
    name: `${resource}.${group}`,
    uid: '',
  };
}

/** What an object ends with: its definition and its namespace, where it has them. */
export function enclosingScopesOf(object: ObjectRef): ObjectRef[] {
  const definition = definitionOf(object);
  const { namespace } = object;
  return [
    ...(definition === null ? [] : [definition]),
    ...(namespace === ''
      ? []
      : [{ group: '', resource: 'namespaces', kind: 'Namespace', namespace: '', name: namespace, uid: '' }]),
  ];
}
