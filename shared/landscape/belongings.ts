import { matchesSelector, type Requirement } from '../selector.ts';
import type { ObjectRef } from '../types.ts';
import type { Delivery } from './evidence.ts';
import type { Facts, ObjectFacts } from './types.ts';

/** What else must be known to tell what an object belongs to: its controller, its namespace, and what delivers it. */
export class Belongings {
  private readonly byUid = new Map<string, ObjectFacts>();
  private readonly namespaces = new Map<string, Facts>();
  private readonly deliverers = new Map<string, ObjectFacts>();
  private readonly helm = new Map<string, number>();
  private readonly gatherers = new Map<string, { name: string; selector: Requirement[] }[]>();

  /** What deliveriesOf() has found. */
  readonly deliveries = new WeakMap<ObjectFacts, Delivery[]>();

  constructor(objects: Iterable<ObjectFacts>) {
    for (const each of objects) this.add(each);
  }

  private add(each: ObjectFacts): void {
    const { object, facts } = each;
    const { group, kind, namespace, name, uid } = object;
    this.byUid.set(uid, each);
    if (group === '' && kind === 'Namespace') this.namespaces.set(name, facts);
    if (DELIVERERS.has(`${group}/${kind}`)) {
      this.deliverers.set(`${kind}/${namespace}/${name}`, each);
      // Of those whose namespace is not told, the first.
      if (!this.deliverers.has(`${kind}//${name}`)) this.deliverers.set(`${kind}//${name}`, each);
    }
    if (isHelmRelease(object, facts)) {
      const { name: release = '', version = '' } = facts.labels ?? {};
      const key = `${namespace}/${release}`;
      this.helm.set(key, Math.max(Number(version) || 0, this.helm.get(key) ?? 0));
    }
    if (facts.gathers !== undefined)
      this.gatherers.set(namespace, [...(this.gatherers.get(namespace) ?? []), { name, selector: facts.gathers }]);
  }

  controllerOf({ controller }: Facts): ObjectFacts | null {
    return controller === undefined ? null : (this.byUid.get(controller) ?? null);
  }

  namespaceOf({ namespace }: ObjectRef): Facts {
    return this.namespaces.get(namespace) ?? {};
  }

  /** An Application of Argo CD, a Kustomization or a HelmRelease; `namespace` '': any. */
  delivering(kind: string, namespace: string, name: string): ObjectFacts | null {
    return this.deliverers.get(`${kind}/${namespace}/${name}`) ?? null;
  }

  /** The revision of a release of Helm that is deployed; null where none is seen. */
  helmRevision(namespace: string, name: string): number | null {
    return this.helm.get(`${namespace}/${name}`) ?? null;
  }

  /** The Applications of app.k8s.io in a namespace that labels belong to. */
  gatherersOf(namespace: string, labels: Readonly<Record<string, string>>): string[] {
    const found = this.gatherers.get(namespace);
    if (found === undefined) return [];
    return found.filter(({ selector }) => matchesSelector(selector, labels)).map(({ name }) => name);
  }
}

const DELIVERERS = new Set([
  'argoproj.io/Application',
  'helm.toolkit.fluxcd.io/HelmRelease',
  'kustomize.toolkit.fluxcd.io/Kustomization',
]);

/** True for the Secret by which Helm remembers the revision that is deployed. */
function isHelmRelease({ group, kind }: ObjectRef, { labels = {} }: Facts): boolean {
  return group === '' && kind === 'Secret' && labels.owner === 'helm' && labels.status === 'deployed';
}
