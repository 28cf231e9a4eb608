import type { Impact } from '../../shared/landscape/impact.ts';
import type { Branch, Tree } from '../../shared/landscape/tree.ts';
import type { Graph, GraphNode } from '../../shared/landscape/types.ts';
import { formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject, Setter } from '../../shared/types.ts';
import type { Makers } from './dependency-tree.ts';
import { list } from './json.ts';

/** A tree as a document: an item for each edge, with both ends, and the change that made it. */
export function treeDocument(
  tree: Tree,
  asked: { at: number; reverse: boolean },
  makers: Makers,
  graph: Graph,
): JsonObject {
  const items: Json[] = [];
  const walk = ({ edges, children, again }: Branch, depth: number): void => {
    for (const place of edges) {
      const edge = edgeItem(place, graph);
      if (edge !== null) items.push({ ...edge, depth, again, madeBy: makerItem(makers?.get(place) ?? null) });
    }
    for (const child of children) walk(child, depth + 1);
  };
  walk(tree.root, 0);
  return {
    ...list('DependencyTree', items),
    ...{ at: formatUtc(asked.at), reverse: asked.reverse, deeper: tree.deeper },
    about: nodeItem(graph.nodes[tree.root.node]),
    members: tree.members.map((place) => nodeItem(graph.nodes[place])),
  };
}

export interface ImpactAnswer extends Impact {
  graph: Graph;
  starts: number[];
  at: number;
  /** Of a comparison: places in the graph's edges. */
  lost: number[];
  gained: number[];
}

/** An impact as a document: an item for each node that is reached; `via` is the place of the item before it. */
export function impactDocument({ graph, starts, reached, beyond, at, lost, gained }: ImpactAnswer): JsonObject {
  const edges = (places: readonly number[]): Json[] => places.flatMap((place) => edgeItem(place, graph) ?? []);
  const items = reached.map(({ node, effect, certainty, hops, via, edges: ways }): Json => {
    const target = graph.nodes[node];
    return { node: nodeItem(target), effect, certainty, hops, via, exposed: target?.is === 'host', edges: edges(ways) };
  });
  return {
    ...list('Impact', items),
    ...{ at: formatUtc(at), about: starts.map((place) => nodeItem(graph.nodes[place])), beyond },
    ...{ lost: edges(lost), gained: edges(gained) },
  };
}

function edgeItem(place: number, { nodes, edges }: Graph): JsonObject | null {
  const edge = edges[place];
  if (edge === undefined) return null;
  const { relation, certainty, from, to, by, field, key, optional, onStart, missing } = edge;
  return {
    ...{ relation, certainty, field },
    ...{ from: nodeItem(nodes[from]), to: nodeItem(nodes[to]), by: nodeItem(nodes[by]) },
    ...{ key: key ?? '', optional: optional === true, onStart: onStart === true, missing: missing ?? null },
  };
}

function nodeItem(node: GraphNode | undefined): Json {
  return (node ?? null) as unknown as Json;
}

function makerItem(setter: Setter | null): Json {
  if (setter === null) return null;
  const { seq, at, actor, manager, source } = setter;
  return { seq, at: formatUtc(at), actor, manager, source } as unknown as Json;
}
