import { backwards, forwards } from './effects.ts';
import { impactOf, IMPACT_HOPS, type Impact, type Seed } from './impact.ts';
import type { Edge, Graph, GraphNode } from './types.ts';
import { isWorkload, Units } from './units.ts';

/** Two graphs as one: the second, and of the first what is not in the second any more. */
export interface GraphDifference {
  /** The edges of the second graph, and behind them those that are lost. */
  graph: Graph;
  /** Places in its edges: that held before, and do not now: they are not there, or what they lead to is not. */
  lost: number[];
  /** Places in its edges: that did not hold before. */
  gained: number[];
  /** How many of its edges are those of the second graph. */
  present: number;
}

/** What edges two graphs differ in. Objects are the same by their names. */
export function differenceOf(before: Graph, after: Graph): GraphDifference {
  const nodes = [...after.nodes];
  const places = new Map(after.nodes.map((node, place) => [nameOf(node), place]));
  const placeOf = (place: number): number => {
    const node = before.nodes[place];
    if (node === undefined) throw new Error(`the graph has no node ${place}`);
    const name = nameOf(node);
    const known = places.get(name);
    if (known !== undefined) return known;
    const now = nodes.push(node) - 1;
    places.set(name, now);
    return now;
  };
  const earlier = before.edges.map((edge) => ({
    ...edge,
    ...{ from: placeOf(edge.from), to: placeOf(edge.to), by: placeOf(edge.by) },
  }));
  const [old, now] = [byKey(earlier), byKey(after.edges)];
  const edges = [...after.edges];
  const lost = earlier.flatMap((edge) => {
    const left = now.get(keyOf(edge));
    if (edge.missing !== undefined || (left !== undefined && left.missing === undefined)) return [];
    return [edges.push(edge) - 1];
  });
  const gained = [...after.edges.keys()].filter((place) => {
    const edge = after.edges[place];
    const had = edge === undefined ? undefined : old.get(keyOf(edge));
    return edge !== undefined && (had === undefined || (had.missing !== undefined && edge.missing === undefined));
  });
  const graph = { nodes, edges };
  const { of } = new Units({ nodes, edges: after.edges });
  return { graph, lost: ownOf(lost, graph, of), gained: ownOf(gained, graph, of), present: after.edges.length };
}

/** Without what a workload's ReplicaSets and pods say, or are said, where the workload itself is in the same edge. */
function ownOf(places: readonly number[], { nodes, edges }: Graph, of: readonly number[]): number[] {
  const unit = (place: number): number => of[place] ?? place;
  const ofUnits = ({ from, to, ...edge }: Edge): string => JSON.stringify([edge.relation, unit(from), unit(to), edge.key ?? '']); // prettier-ignore
  const isOwn = ({ from, to }: Edge): boolean => unit(from) === from && unit(to) === to;
  const told = new Set(places.flatMap((place) => {
    const edge = edges[place];
    return edge !== undefined && isOwn(edge) ? [ofUnits(edge)] : [];
  })); // prettier-ignore
  return places.filter((place) => {
    const edge = edges[place];
    if (edge === undefined || isOwn(edge)) return edge !== undefined;
    // A ReplicaSet that its Deployment has left behind runs nothing.
    const runs = [edge.from, edge.to].every((end) => unit(end) === end || isPod(nodes[end]));
    return runs && !told.has(ofUnits(edge));
  });
}

function isPod(node: GraphNode | undefined): boolean {
  return node?.is === 'object' && node.object.kind === 'Pod' && node.object.group === '';
}

function nameOf(node: GraphNode): string {
  if (node.is !== 'object') return `${node.is} ${node.name}`;
  const { group, kind, namespace, name } = node.object;
  return `object ${group}/${kind}/${namespace}/${name}`;
}

function keyOf({ relation, from, to, by, field, key = '' }: Edge): string {
  return JSON.stringify([relation, from, to, by, field, key]);
}

function byKey(edges: readonly Edge[]): Map<string, Edge> {
  return new Map(edges.map((edge) => [keyOf(edge), edge]));
}

/**
 * What a change of some objects reaches, and what its lost edges break. `changed` are places in the graph of the difference.
 */
export function impactOfDifference(
  difference: GraphDifference,
  changed: readonly number[],
  hops = IMPACT_HOPS,
): Impact {
  const { graph, present } = difference;
  const now = { nodes: graph.nodes, edges: graph.edges.slice(0, present) };
  return impactOf(now, changed, 'changed', hops, new Breakage(difference, new Units(now)).seeds());
}

/** Finds what the difference of two graphs itself breaks. */
class Breakage {
  constructor(
    private readonly difference: GraphDifference,
    private readonly units: Units,
  ) {}

  seeds(): Seed[] {
    const { graph, lost, gained } = this.difference;
    const dangling = gained.concat(this.nowMissing()).flatMap((place) => this.ofMissing(place));
    return [...dangling, ...lost.flatMap((place) => this.ofLost(place))].filter(
      ({ node }) => graph.nodes[node] !== undefined,
    );
  }

  /** Edges that are there still, and lead to nothing now. */
  private nowMissing(): number[] {
    const { graph, lost, present } = this.difference;
    const keys = new Set(lost.flatMap((place) => this.key(place)));
    return [...Array(present).keys()].filter((place) => {
      const edge = graph.edges[place];
      return edge?.missing !== undefined && keys.has(keyOf(edge));
    });
  }

  private key(place: number): string[] {
    const edge = this.difference.graph.edges[place];
    return edge === undefined ? [] : [keyOf(edge)];
  }

  /** Who says it lacks what it says. */
  private ofMissing(place: number): Seed[] {
    const edge = this.difference.graph.edges[place];
    const from = edge === undefined ? undefined : this.difference.graph.nodes[edge.from];
    if (edge?.missing === undefined || from === undefined) return [];
    return this.seed(edge.from, place, backwards(edge, from, 'gone', this.isLast(edge)));
  }

  private ofLost(place: number): Seed[] {
    const edge = this.difference.graph.edges[place];
    const from = edge === undefined ? undefined : this.difference.graph.nodes[edge.from];
    if (edge === undefined || from === undefined) return [];
    switch (edge.relation) {
      case 'selects':
      case 'routes':
        // What nobody says any more breaks nobody but where it was the last: a selector that matches nothing.
        return this.isLast(edge) && this.exists(edge.from) ? this.seed(edge.from, place, backwards(edge, from, 'gone', true)) : []; // prettier-ignore
      case 'grants':
        return this.isLast(edge, 'to') ? this.seed(edge.to, place, forwards(edge, from, 'gone')) : [];
      case 'exposes':
        return this.isLast(edge, 'to') ? this.seed(edge.to, place, 'breaks') : [];
      default:
        return [];
    }
  }

  private seed(place: number, edge: number, effect: Seed['effect'] | null): Seed[] {
    const node = this.units.unit(place);
    const certainty = this.difference.graph.edges[edge]?.certainty ?? 'declared';
    const hops = isWorkload(this.difference.graph.nodes[node]) ? 1 : 0;
    return effect === null ? [] : [{ node, effect, certainty, hops, edges: [edge] }];
  }

  private exists(place: number): boolean {
    const node = this.difference.graph.nodes[place];
    return node?.is === 'object' && node.seen;
  }

  /** True where nothing now does what a lost edge did: leave its source, or lead to its target. */
  private isLast(lost: Edge, end: 'from' | 'to' = 'from'): boolean {
    const { graph, present } = this.difference;
    return !graph.edges
      .slice(0, present)
      .some((edge) => edge.relation === lost.relation && edge[end] === lost[end] && edge.missing === undefined);
  }
}
