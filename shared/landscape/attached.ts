import type { ObjectRef } from '../types.ts';
import type { Edge, Graph } from './types.ts';

/**
 * What belongs to an application only because of what it is wired to. `acts`: it does something for one application alone (an Ingress,
 * an autoscaler, a Service). `used`: one application alone uses it. Several: it is shared.
 */
export type Attachment = { how: 'acts' | 'used'; applications: string[] };

/** What acts on its targets, and has no sense without them. */
const ACTS = new Set(['selects', 'routes', 'scales', 'grants']);
const USES = new Set(['uses', 'names', 'selects', 'routes', 'stores', 'owns', 'grants']);
/** Those that select only watch, or restrict: whoever is selected is not theirs. */
const WATCHERS = new Set(['NetworkPolicy', 'PodDisruptionBudget', 'ServiceMonitor', 'PodMonitor']);
/** What every namespace has. */
const EVERYWHERE = new Set(['ServiceAccount/default', 'ConfigMap/kube-root-ca.crt', 'ConfigMap/openshift-service-ca.crt']); // prettier-ignore

/**
 * Attaches objects to applications by the graph. `unitOf` tells of a place which one stands for it (a pod's Deployment), `known` its
 * application. Only within a namespace: across, being used says nothing of who answers for it.
 */
export function attach(
  graph: Graph,
  unitOf: (place: number) => number,
  known: (place: number) => string | null,
  mayAct: (place: number) => boolean,
): Map<number, Attachment> {
  const links = linksOf(graph, unitOf);
  const found = new Map<number, Attachment>();
  const applicationOf = (place: number): string | null => {
    const attached = found.get(place);
    return known(place) ?? (attached?.applications.length === 1 ? (attached.applications[0] ?? null) : null);
  };
  const round = (how: Attachment['how'], from: Map<number, number[]>): number => {
    const open = [...from.keys()].filter(
      (place) => known(place) === null && !found.has(place) && (how === 'used' || mayAct(place)),
    );
    const sets = spread(open, from, applicationOf, found);
    for (const [place, applications] of sets) found.set(place, { how, applications: [...applications].sort() });
    return sets.size;
  };
  // What acts on something that is attached only then is attached to it too.
  while (round('acts', links.acts) + round('used', links.used) > 0);
  return found;
}

/** The applications that are reached from each of some places, through others of them. */
function spread(
  open: readonly number[],
  links: Map<number, number[]>,
  applicationOf: (place: number) => string | null,
  settled: ReadonlyMap<number, Attachment>,
): Map<number, Set<string>> {
  const sets = new Map<number, Set<string>>(open.map((place) => [place, new Set()]));
  for (let grows = true; grows;) {
    grows = false;
    for (const [place, set] of sets) {
      const before = set.size;
      for (const other of links.get(place) ?? []) {
        const one = applicationOf(other);
        const more = one === null ? (sets.get(other) ?? settled.get(other)?.applications ?? []) : [one];
        for (const each of more) set.add(each);
      }
      grows ||= set.size > before;
    }
  }
  return new Map([...sets].filter(([, set]) => set.size > 0));
}

function isHub({ kind, namespace, name }: ObjectRef): boolean {
  if (namespace === '' && kind !== 'PersistentVolume') return true;
  return (kind === 'ServiceAccount' || kind === 'ConfigMap') && EVERYWHERE.has(`${kind}/${name}`);
}

function linksOf({ nodes, edges }: Graph, unitOf: (place: number) => number) {
  const [acts, used] = [new Map<number, number[]>(), new Map<number, number[]>()];
  const objectAt = (place: number) => {
    const node = nodes[place];
    return node?.is === 'object' && node.seen ? node.object : null;
  };
  const add = (links: Map<number, number[]>, place: number, other: number): void => {
    const list = links.get(place);
    if (list === undefined) links.set(place, [other]);
    else if (!list.includes(other)) list.push(other);
  };
  const link = ({ relation, from, to }: Edge): void => {
    const source = unitOf(from);
    const target = unitOf(to);
    if (source === target) return;
    const user = objectAt(source);
    const thing = objectAt(target);
    if (user === null || thing === null) return;
    if (user.namespace !== thing.namespace && thing.kind !== 'PersistentVolume') return;
    if (ACTS.has(relation) && user.namespace !== '') add(acts, source, target);
    if (!USES.has(relation) || WATCHERS.has(user.kind) || isHub(thing)) return;
    add(used, target, source);
  };
  for (const edge of edges) link(edge);
  return { acts, used };
}
