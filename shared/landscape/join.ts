import type { Edge, Graph, GraphNode } from './types.ts';

/**
 * For the hub, which has the ledgers of several clusters (nothing else uses it yet; the landscape recording's two clusters test it). The
 * graphs of several clusters as one: a ServiceImport is joined to the ServiceExports of its name in other clusters, and a host or
 * an image is the same one everywhere. Objects have the name of their cluster.
 */
export function joinClusters(graphs: readonly { cluster: string; graph: Graph }[]): Graph {
  const nodes: GraphNode[] = [];
  const edges: Edge[] = [];
  const shared = new Map<string, number>();
  const exports = new Map<string, { cluster: string; place: number }[]>();
  for (const { cluster, graph } of graphs) {
    const places = graph.nodes.map((node) => {
      const key = node.is === 'object' ? null : `${node.is} ${node.is === 'user' || node.is === 'group' ? cluster : ''} ${node.name}`; // prettier-ignore
      const known = key === null ? undefined : shared.get(key);
      if (known !== undefined) return known;
      const place = nodes.push(node.is === 'object' ? { ...node, cluster } : node) - 1;
      if (key !== null) shared.set(key, place);
      const name = exported(node);
      if (name !== null) exports.set(name, [...(exports.get(name) ?? []), { cluster, place }]);
      return place;
    });
    const placeOf = (place: number): number => places[place] ?? place;
    for (const edge of graph.edges) {
      edges.push({ ...edge, from: placeOf(edge.from), to: placeOf(edge.to), by: placeOf(edge.by) });
    }
  }
  return { nodes, edges: edges.flatMap((edge) => crossing(edge, nodes, exports)) };
}

/** NAMESPACE/NAME of a ServiceExport that exists; null of anything else. */
function exported(node: GraphNode, seen = true): string | null {
  if (node.is !== 'object' || node.object.kind !== 'ServiceExport' || node.seen !== seen) return null;
  return `${node.object.namespace}/${node.object.name}`;
}

/** An import that found no export in its own cluster leads to those of the others. */
function crossing(
  edge: Edge,
  nodes: readonly GraphNode[],
  exports: ReadonlyMap<string, readonly { cluster: string; place: number }[]>,
): Edge[] {
  const target = nodes[edge.to];
  const name = edge.relation === 'crosses' && target !== undefined ? exported(target, false) : null;
  const found = name === null ? [] : (exports.get(name) ?? []);
  if (found.length === 0) return [edge];
  const { missing: _, ...rest } = edge;
  return found.map(({ place }) => ({ ...rest, to: place, certainty: 'declared' }));
}
