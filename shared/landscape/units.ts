import type { Edge, Graph, GraphNode } from './types.ts';

/** The key of an edge from the one owner that controls an object. */
export const CONTROLLER = 'controller';

/** The kinds that run containers. */
const WORKLOADS = new Set([
  'Pod',
  'ReplicationController',
  'DaemonSet',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'CronJob',
  'Job',
  'Rollout',
  'ScaledJob',
]);

/** True for what runs containers, or makes what does. */
export function isWorkload(node: GraphNode | undefined): boolean {
  return node?.is === 'object' && WORKLOADS.has(node.object.kind);
}

/**
 * A graph in which each workload stands for all that it controls: what a pod or a ReplicaSet says is said by its Deployment too. Only
 * what a pod alone says, such as one of an older template, is its Deployment's by it.
 */
export class Units {
  /** Of each node the one that stands for it: mostly itself. */
  readonly of: readonly number[];
  /** Edges by the node that stands for what they come from, or lead to. */
  readonly leaving: readonly (readonly number[])[];
  readonly arriving: readonly (readonly number[])[];

  /** Of a graph that several questions are asked about: made once. The graph is not to be changed. */
  static ofGraph(graph: Graph): Units {
    const known = KNOWN.get(graph) ?? new Units(graph);
    KNOWN.set(graph, known);
    return known;
  }

  constructor(readonly graph: Graph) {
    this.of = unitsOf(graph);
    const leaving: number[][] = Array.from(graph.nodes, () => NONE);
    const arriving: number[][] = Array.from(graph.nodes, () => NONE);
    [this.leaving, this.arriving] = [leaving, arriving];
    const push = (lists: number[][], node: number, place: number): void => {
      const list = lists[node];
      if (list === NONE) lists[node] = [place];
      else list?.push(place);
    };
    const add = (edge: Edge, place: number): void => {
      push(leaving, this.unit(edge.from), place);
      push(arriving, this.unit(edge.to), place);
    };
    const ofMembers: [Edge, number][] = [];
    for (const [place, edge] of graph.edges.entries()) {
      if (this.unit(edge.from) !== edge.from && isWorkload(graph.nodes[edge.from])) ofMembers.push([edge, place]);
      else add(edge, place);
    }
    for (const [edge, place] of ofMembers) {
      // A ReplicaSet that its Deployment has left behind runs nothing; what runs are pods.
      const node = graph.nodes[edge.from];
      const isPod = node?.is === 'object' && node.object.kind === 'Pod';
      if (edge.relation !== 'owns' && isPod && !this.isSaid(edge)) add(edge, place);
    }
  }

  /** True where the unit says the same without its member. */
  private isSaid({ from, to, relation, key }: Edge): boolean {
    const target = this.unit(to);
    return (this.leaving[this.unit(from)] ?? []).some((place) => {
      const edge = this.graph.edges[place];
      return edge?.relation === relation && edge.key === key && this.unit(edge.to) === target;
    });
  }

  unit(place: number): number {
    return this.of[place] ?? place;
  }

  /** The nodes that a node stands for, itself not among them. */
  members(place: number): number[] {
    return this.of.flatMap((unit, member) => (unit === place && member !== place ? [member] : []));
  }
}

/** Of the many nodes that nothing leads to, or from: never added to. */
const NONE: number[] = [];

const KNOWN = new WeakMap<Graph, Units>();

function unitsOf({ nodes, edges }: Graph): number[] {
  const controllers = new Map<number, number>();
  for (const { relation, key, from, to } of edges) {
    if (relation === 'owns' && key === CONTROLLER && isWorkload(nodes[from]) && isWorkload(nodes[to])) controllers.set(to, from); // prettier-ignore
  }
  return nodes.map((_, place) => {
    let unit = place;
    // Owners in a circle, which Kubernetes allows, must end too.
    for (let steps = 0, next = controllers.get(unit); next !== undefined && steps < MAX_OWNERS; steps++) {
      unit = next;
      next = controllers.get(unit);
    }
    return unit;
  });
}

/** Pod, Job, CronJob; pod, ReplicaSet, Deployment, and operators above. */
const MAX_OWNERS = 10;
