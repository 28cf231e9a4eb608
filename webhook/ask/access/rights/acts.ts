import { qualifiedName } from '../../../../shared/resource-types.ts';
import type { ObjectRef } from '../../../../shared/types.ts';
import type { StoredChange } from '../../../ledger/port/port.ts';

/** A resource type; of an act, `resource` has the subresource too, as RBAC writes it: `pods/exec`. */
export type Type = Pick<ObjectRef, 'group' | 'resource'>;

/** What may be done to built-in objects and leaves no state in them, as `resource/subresource`: all of the core group. */
export const ACTS: readonly Type[] = [
  ...['exec', 'attach', 'portforward', 'proxy', 'eviction', 'binding'].map((name) => `pods/${name}`),
  'services/proxy',
  'nodes/proxy',
  'serviceaccounts/token',
].map((resource) => ({ group: '', resource }));

/** One of them is enough: what somebody may do, or read, they may know of others. */
export const ACT_VERBS = ['create', 'get'];

/**
 * What a change asks for besides the right on its object; null for nothing. What it tells of (the command of an exec) is not part of
 * the object. A scale is: it shows in the object, though it may be recorded as an act where the object is not known.
 */
export function actOf({ object, effect, subresource }: StoredChange): Type | null {
  if (effect !== 'none' || subresource === '' || subresource === 'scale') return null;
  return { group: object.group, resource: `${object.resource}/${subresource}` };
}

/** The type of the object that an act is on; the type itself, where it is none. */
export function objectTypeOf({ group, resource }: Type): Type {
  return { group, resource: resource.split('/')[0] ?? '' };
}

/** True of acts. */
export function isAct({ resource }: Type): boolean {
  return resource.includes('/');
}

/** How a type is named for people: `deployments.apps`, `pods/exec`. */
export function typeName(type: Type): string {
  const [, subresource] = type.resource.split('/');
  const name = qualifiedName(objectTypeOf(type));
  return subresource === undefined ? name : `${name}/${subresource}`;
}
