import type { ImpactPage, Scope } from '../questions/table.ts';
import type { Impact } from './impact.ts';
import type { Graph, GraphNode } from './types.ts';

/** The places of what a scope names: objects that exist, and those that are only spoken of. */
export function placesIn({ nodes }: Graph, scope: Scope): number[] {
  return [...nodes.keys()].filter((place) => isIn(nodes[place], scope));
}

function isIn(node: GraphNode | undefined, { type, namespace, withNamespaceObject, names }: Scope): boolean {
  if (node?.is !== 'object') return false;
  const { object } = node;
  const isNamespace = withNamespaceObject === true && object.kind === 'Namespace' && object.name === namespace;
  return (
    (type === undefined || (object.group === type.group && object.resource === type.resource)) &&
    (namespace === undefined || object.namespace === namespace || isNamespace) &&
    (names === undefined || names.includes(object.name))
  );
}

/** An impact with the part of the graph that it speaks of. */
export function impactPart(graph: Graph, starts: readonly number[], { reached, beyond }: Impact): ImpactPage {
  const nodes: Graph['nodes'] = [];
  const edges: Graph['edges'] = [];
  const places = new Map<number, number>();
  const placeOf = (place: number): number => {
    const known = places.get(place);
    if (known !== undefined) return known;
    const node = graph.nodes[place];
    if (node === undefined) throw new Error(`the graph has no node ${place}`);
    const now = nodes.push(node) - 1;
    places.set(place, now);
    return now;
  };
  const edgeOf = (place: number): number => {
    const edge = graph.edges[place];
    if (edge === undefined) throw new Error(`the graph has no edge ${place}`);
    return edges.push({ ...edge, from: placeOf(edge.from), to: placeOf(edge.to), by: placeOf(edge.by) }) - 1;
  };
  return {
    starts: starts.map(placeOf),
    reached: reached.map((entry) => ({ ...entry, node: placeOf(entry.node), edges: entry.edges.map(edgeOf) })),
    beyond,
    nodes,
    edges,
  };
}
