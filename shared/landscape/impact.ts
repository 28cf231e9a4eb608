import { backwards, EFFECTS_OF_IMPACT, forwards, type Affected, type Blow, type ImpactEffect } from './effects.ts';
import { CERTAINTIES, type Certainty, type Graph } from './types.ts';
import { isWorkload, Units } from './units.ts';

/** Something that an impact reaches. */
export interface Reached {
  /** A place in the graph's nodes: a workload stands for all that it controls. */
  node: number;
  effect: ImpactEffect;
  /** The weakest of all links on the way from the start. */
  certainty: Certainty;
  /** How many workloads the way has led to, this one included. */
  hops: number;
  /** The entry that it was reached from; null: a start. */
  via: number | null;
  /** Places in the graph's edges: those between it and what it was reached from. */
  edges: number[];
}

export interface Impact {
  /** Each once, by the most certain way; of those by the worst effect, then by the shortest. In the order in which they were reached. */
  reached: Reached[];
  /** How many workloads lie behind the last hop. */
  beyond: number;
}

/** Something that is hit beside the starts, and as the edges say. */
export type Seed = Pick<Reached, 'node' | 'effect' | 'certainty' | 'hops' | 'edges'>;

/** Workloads, one behind the other, that are gone through. */
export const IMPACT_HOPS = 3;

/**
 * What the loss or a change of some nodes reaches: wiring, not traffic. `starts` are places in the graph's nodes.
 */
export function impactOf(
  graph: Graph,
  starts: readonly number[],
  blow: Blow,
  hops = IMPACT_HOPS,
  seeds?: readonly Seed[],
): Impact {
  return new Spread(Units.ofGraph(graph), hops, seeds !== undefined).from(starts, blow, seeds ?? []);
}

class Spread {
  private readonly reached: Reached[] = [];
  /** Where in `reached` a node is; null: a start. */
  private readonly known = new Map<number, number | null>();
  private readonly beyond = new Set<number>();
  /** Steps by rank: the most certain first, in each the worst effect. */
  private readonly waiting: Reached[][] = Array.from(
    { length: CERTAINTIES.length * EFFECTS_OF_IMPACT.length },
    () => [],
  );

  constructor(
    private readonly units: Units,
    private readonly hops: number,
    /** True where the seeds tell exactly what is not given any more. */
    private readonly compares: boolean,
  ) {}

  from(starts: readonly number[], blow: Blow, seeds: readonly Seed[]): Impact {
    const all = new Set(starts);
    // What breaks by itself is more than a start.
    const broken = new Set(seeds.flatMap(({ node, effect }) => (effect === 'may notice' ? [] : [node])));
    for (const place of all) if (!broken.has(place)) this.known.set(place, null);
    for (const seed of seeds) this.wait({ ...seed, edges: [...seed.edges], via: null });
    for (const place of all) {
      const unit = this.units.unit(place);
      if (broken.has(unit)) continue;
      if (unit === place) this.spread(place, blow, 'declared', 0, null);
      // One of many that are made anew: who makes them notices.
      else this.wait(this.start(place));
    }
    if (blow === 'gone')
      for (const place of this.inNamespaces(starts)) this.wait({ ...this.start(place), effect: 'goes' });
    for (let step = this.next(); step !== undefined; step = this.next()) this.take(step);
    for (const place of this.known.keys()) this.beyond.delete(place);
    return { reached: this.reached, beyond: this.beyond.size };
  }

  private start(place: number): Reached {
    const node = this.units.unit(place);
    const hops = isWorkload(this.units.graph.nodes[node]) ? 1 : 0;
    return { node, effect: 'may notice', certainty: 'declared', hops, via: null, edges: [] };
  }

  /** All that is in namespaces among some nodes. */
  private inNamespaces(places: readonly number[]): number[] {
    const { nodes } = this.units.graph;
    const namespaces = new Set(places.flatMap((place) => {
      const node = nodes[place];
      return node?.is === 'object' && node.object.kind === 'Namespace' && node.object.group === '' ? [node.object.name] : [];
    })); // prettier-ignore
    if (namespaces.size === 0) return [];
    return [...nodes.keys()].filter((place) => {
      const node = nodes[place];
      return node?.is === 'object' && node.seen && namespaces.has(node.object.namespace);
    });
  }

  private wait(step: Reached): void {
    const rank =
      CERTAINTIES.indexOf(step.certainty) * EFFECTS_OF_IMPACT.length + EFFECTS_OF_IMPACT.indexOf(step.effect);
    this.waiting[rank]?.push(step);
  }

  private next(): Reached | undefined {
    return this.waiting.find((steps) => steps.length > 0)?.shift();
  }

  private take(step: Reached): void {
    const before = this.known.get(step.node);
    if (before !== undefined) {
      const entry = before === null ? undefined : this.reached[before];
      // Another edge between the same two.
      if (entry?.via === step.via) entry.edges.push(...step.edges.filter((edge) => !this.isTold(edge, entry.edges)));
      return;
    }
    if (step.hops > this.hops) {
      this.beyond.add(step.node);
      return;
    }
    const place = this.reached.push(step) - 1;
    this.known.set(step.node, place);
    this.spread(step.node, step.effect, step.certainty, step.hops, place);
  }

  /** A selector that finds a workload and its pods says one thing. */
  private isTold(place: number, others: readonly number[]): boolean {
    const { edges } = this.units.graph;
    const edge = edges[place];
    return others.some((other) => edges[other]?.by === edge?.by && edges[other]?.field === edge?.field);
  }

  private spread(node: number, affected: Affected, certainty: Certainty, hops: number, via: number | null): void {
    const { graph, arriving, leaving } = this.units;
    const step = (edge: number, to: number, effect: ImpactEffect | null): void => {
      const link = graph.edges[edge];
      const unit = this.units.unit(to);
      if (effect === null || link === undefined || unit === node) return;
      const weakest = Math.max(CERTAINTIES.indexOf(certainty), CERTAINTIES.indexOf(link.certainty));
      this.wait({
        ...{ node: unit, effect, via, edges: [edge], certainty: CERTAINTIES[weakest] ?? certainty },
        hops: hops + (isWorkload(graph.nodes[unit]) ? 1 : 0),
      });
    };
    for (const place of arriving[node] ?? []) {
      const edge = graph.edges[place];
      const from = edge === undefined ? undefined : graph.nodes[edge.from];
      if (edge !== undefined && from !== undefined)
        step(place, edge.from, backwards(edge, from, affected, this.isAlone(place)));
    }
    for (const place of leaving[node] ?? []) {
      const edge = graph.edges[place];
      const from = edge === undefined ? undefined : graph.nodes[edge.from];
      if (this.compares && affected === 'changed' && edge?.relation === 'grants') continue;
      if (edge !== undefined && from !== undefined) step(place, edge.to, forwards(edge, from, affected));
    }
  }

  /** True where nothing else is behind the same selector, or the same object's routes. */
  private isAlone(place: number): boolean {
    const { edges } = this.units.graph;
    const edge = edges[place];
    if (edge === undefined) return true;
    const to = this.units.unit(edge.to);
    return (this.units.leaving[this.units.unit(edge.from)] ?? []).every((other) => {
      const beside = edges[other];
      return (
        beside?.relation !== edge.relation ||
        beside.missing !== undefined ||
        this.units.unit(beside.to) === to ||
        isParent(beside.field)
      );
    });
  }
}

/** What a route is attached to is no backend. */
function isParent(field: string): boolean {
  return field.includes('parentRefs') || field.includes('gateways');
}
