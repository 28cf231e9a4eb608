import type { Edge, Graph, GraphNode } from './types.ts';
import { Units } from './units.ts';

/** A node of a tree, with how it is reached from the one above. */
export interface Branch {
  /** A place in the graph's nodes: a workload stands for all that it controls. */
  node: number;
  /** Places in the graph's edges; none at the root. */
  edges: number[];
  children: Branch[];
  /** True where what is below is shown at another place. */
  again: boolean;
}

export interface Tree {
  root: Branch;
  /** What the root stands for: places of its ReplicaSets, Jobs and pods. */
  members: number[];
  /** How many nodes lie deeper than was asked for. */
  deeper: number;
}

export interface TreeOptions {
  /** True for who depends on it; false for what it depends on. */
  reverse: boolean;
  /** How many steps. */
  depth: number;
}

/** Every pod has them, by its service account's token. */
const IN_EVERY_POD = new Set(['kube-root-ca.crt', 'openshift-service-ca.crt']);

/**
 * What a node depends on, or who depends on it, step by step. Each node is told below where it is nearest to the root; elsewhere it is
 * only named. Names under which something is reached from outside are told both ways.
 */
export function treeOf(graph: Graph, start: number, { reverse, depth }: TreeOptions): Tree {
  const units = Units.ofGraph(graph);
  const root: Branch = { node: start, edges: [], children: [], again: false };
  const known = new Set([start, units.unit(start)]);
  let deeper = 0;
  let level = [root];
  for (let steps = 0; level.length > 0; steps++) {
    const next: Branch[] = [];
    for (const branch of level) {
      for (const [node, edges] of neighbours(units, branch.node, reverse)) {
        const again = known.has(node);
        if (steps < depth) branch.children.push({ node, edges, children: [], again });
        else if (!again) deeper++;
        if (again || isHub(graph.nodes[node])) continue;
        known.add(node);
        const child = branch.children.at(-1);
        next.push(steps < depth && child !== undefined ? child : { node, edges, children: [], again });
      }
    }
    level = next;
  }
  return { root, members: units.members(start), deeper };
}

/** Nodes by the edges that join them to one. */
function neighbours(units: Units, node: number, reverse: boolean): Map<number, number[]> {
  const { graph } = units;
  const found = new Map<number, number[]>();
  for (const place of edgesAt(units, node, reverse)) {
    const edge = graph.edges[place];
    if (edge === undefined) continue;
    const isName = edge.relation === 'exposes';
    const other = units.unit(reverse && !isName ? edge.from : edge.to);
    if (other === node || other === units.unit(node) || isInEveryPod(edge, graph.nodes[edge.to])) continue;
    const edges = found.get(other) ?? [];
    if (!edges.some((known) => isTold(edge, graph.edges[known]))) edges.push(place);
    found.set(other, edges);
  }
  return found;
}

/** What everything is joined to tells nothing on the way. */
function isHub(node: GraphNode | undefined): boolean {
  return node?.is === 'object' && node.object.group === '' && node.object.kind === 'Node';
}

function edgesAt(units: Units, node: number, reverse: boolean): number[] {
  const { edges } = units.graph;
  if (units.unit(node) !== node) {
    // One of several, such as a pod: what it says itself, and who is known to mean it.
    return [...edges.keys()].filter((place) => (reverse ? edges[place]?.to : edges[place]?.from) === node);
  }
  const leaving = units.leaving[node] ?? [];
  if (!reverse) return [...leaving];
  return [...(units.arriving[node] ?? []), ...leaving.filter((place) => edges[place]?.relation === 'exposes')];
}

/** A selector that finds a workload and its pods says one thing; so do an owner's uid and its name. */
function isTold(edge: Edge, other: Edge | undefined): boolean {
  const { relation, by, field, key } = edge;
  if (other?.relation !== relation) return false;
  return relation === 'owns' || (other.by === by && other.field === field && other.key === key);
}

function isInEveryPod({ relation }: Edge, to: GraphNode | undefined): boolean {
  return (
    relation === 'uses' && to?.is === 'object' && to.object.kind === 'ConfigMap' && IN_EVERY_POD.has(to.object.name)
  );
}
