import type { ObjectRef } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';

/** `deployment/web`, as kubectl names an object; the incarnation is added by `Incarnations`. */
export function objectName(object: ObjectRef, { typeName }: Pick<Style, 'typeName'>): string {
  return printable(`${typeName(object)}/${object.name}`);
}

/** `deployment.apps/web`, as `kubectl get -o name` prints it: kubectl takes it back. */
export function qualifiedObjectName({ group, resource, kind, name }: ObjectRef): string {
  const type = kind === '' ? resource : kind.toLowerCase();
  return printable(`${group === '' ? type : `${type}.${group}`}/${name}`);
}

/** `deployment shop/web`, for sentences. */
export function objectTitle(object: ObjectRef, { typeName }: Pick<Style, 'typeName'>): string {
  const name = object.namespace === '' ? object.name : `${object.namespace}/${object.name}`;
  return printable(`${typeName(object)} ${name}`);
}

const MIN_UID = 8;

/** Tells apart objects of the same name that existed one after the other: `deployment/web@6dc322c9`. */
export class Incarnations {
  private readonly uids = new Map<string, Set<string>>();

  constructor(
    objects: Iterable<ObjectRef>,
    private readonly style: Pick<Style, 'typeName'>,
  ) {
    for (const object of objects) {
      const key = keyOf(object);
      this.uids.set(key, (this.uids.get(key) ?? new Set()).add(object.uid));
    }
  }

  /** Names that more than one object had. */
  get ambiguous(): number {
    return [...this.uids.values()].filter((uids) => uids.size > 1).length;
  }

  /** The object's name, with the beginning of its uid where that is needed. */
  label(object: ObjectRef): string {
    const uids = this.uids.get(keyOf(object)) ?? new Set();
    if (uids.size < 2) return objectName(object, this.style);
    const uid = object.uid === '' ? '?' : printable(object.uid.slice(0, uidLength([...uids])));
    return `${objectName(object, this.style)}@${uid}`;
  }
}

function keyOf({ group, resource, namespace, name }: ObjectRef): string {
  return JSON.stringify([group, resource, namespace, name]);
}

/** As short as tells them apart. */
function uidLength(uids: string[]): number {
  let length = MIN_UID;
  while (length < 64 && new Set(uids.map((uid) => uid.slice(0, length))).size < uids.length) length++;
  return length;
}
