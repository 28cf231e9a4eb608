import { applicationsOf, type Applications, type Member } from '../../../shared/landscape/applications.ts';
import { resolve } from '../../../shared/landscape/resolve.ts';
import type { LandscapeRule } from '../../../shared/landscape/rule-for.ts';
import type { Graph, GraphNode, ObjectFacts } from '../../../shared/landscape/types.ts';
import { Units } from '../../../shared/landscape/units.ts';
import type { ObjectRef } from '../../../shared/types.ts';
import type { Snapshot, Turn } from '../../page/wire.ts';

export type ObjectTurn = Omit<Turn, 'object'> & { object: ObjectRef };

/** All that is derived from the facts of one moment. */
export interface Moment {
  objects: ObjectFacts[];
  graph: Graph;
  applications: Applications;
  units: Units;
  /** Of each node its application; '' where it has none. */
  applicationOf: string[];
  members: Map<string, Member>;
  places: Map<string, number>;
}

/** Moments that are remembered: dragging goes back and forth. */
const REMEMBERED = 80;

/** The facts of a window of time: a keyframe, and what changes them, forwards and backwards. */
export class World {
  private turns: ObjectTurn[] = [];
  private held = new Map<string, ObjectFacts>();
  /** How many of the turns `held` has in it. */
  private cursor = 0;
  private readonly moments = new Map<number, Moment>();
  private rules: LandscapeRule[] = [];

  start({ objects, rules }: Pick<Snapshot, 'objects' | 'rules'>): void {
    this.turns = [];
    this.cursor = 0;
    this.held = new Map(objects.map((each) => [each.object.uid, each]));
    this.rules = rules;
    this.moments.clear();
  }

  /** Adds turns that are older than all that is known, or newer. */
  add(turns: readonly ObjectTurn[]): void {
    const sorted = [...turns].sort((a, b) => a.at - b.at || a.seq - b.seq);
    const [first, newest] = [sorted[0], this.turns.at(-1)];
    if (first === undefined) return;
    if (newest !== undefined && first.at >= newest.at && first.seq > newest.seq) this.turns.push(...sorted);
    else {
      // The keyframe has them all in it, where they are older than it.
      this.seek(this.turns.length);
      const atEnd = this.turns.length === 0 || (newest !== undefined && first.at <= newest.at);
      this.turns = [...sorted, ...this.turns].sort((a, b) => a.at - b.at || a.seq - b.seq);
      if (atEnd) this.cursor = this.turns.length;
    }
    this.moments.clear();
  }

  /** How many turns lie before a moment, itself included: moments with the same number are the same. */
  index(at: number): number {
    let [low, high] = [0, this.turns.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.turns[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get count(): number {
    return this.turns.length;
  }

  at(index: number): Moment {
    const known = this.moments.get(index);
    if (known !== undefined) return known;
    this.seek(index);
    const moment = momentOf([...this.held.values()].sort(inOrder), this.rules);
    this.moments.set(index, moment);
    const [oldest] = this.moments.keys();
    if (this.moments.size > REMEMBERED && oldest !== undefined) this.moments.delete(oldest);
    return moment;
  }

  private seek(index: number): void {
    for (; this.cursor < index; this.cursor++) this.apply(this.turns[this.cursor], 'after');
    for (; this.cursor > index; this.cursor--) this.apply(this.turns[this.cursor - 1], 'before');
  }

  private apply(turn: ObjectTurn | undefined, side: 'before' | 'after'): void {
    if (turn === undefined) return;
    const { object } = turn;
    const facts = turn[side];
    if (facts === null) this.held.delete(object.uid);
    else this.held.set(object.uid, { object, facts });
  }
}

const ORDERS = new WeakMap<ObjectRef, string>();

/** As the ledger gives them: what is derived may depend on which comes first. */
function inOrder(a: ObjectFacts, b: ObjectFacts): number {
  const [x, y] = [orderOf(a.object), orderOf(b.object)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function orderOf(object: ObjectRef): string {
  const known = ORDERS.get(object) ?? [object.group, object.resource, object.namespace, object.name].join('\0');
  ORDERS.set(object, known);
  return known;
}

function momentOf(objects: ObjectFacts[], rules: readonly LandscapeRule[]): Moment {
  const graph = resolve(objects);
  const applications = applicationsOf(objects, graph, rules);
  const members = new Map<string, Member>();
  const byUid = new Map<string, string>();
  for (const { name, members: its } of applications.applications) {
    for (const member of its) {
      members.set(member.object.uid, member);
      byUid.set(member.object.uid, name);
    }
  }
  const places = new Map<string, number>();
  for (const [place, node] of graph.nodes.entries()) places.set(nodeId(node), place);
  const applicationOf = graph.nodes.map((node) => (node.is === 'object' ? (byUid.get(node.object.uid) ?? '') : ''));
  return { objects, graph, applications, units: Units.ofGraph(graph), applicationOf, members, places };
}

/** By what a node is known at all moments: of an object its name, which goes on where it is made anew. */
export function nodeId(node: GraphNode): string {
  if (node.is !== 'object') return `${node.is}:${node.name}`;
  const { group, kind, namespace, name } = node.object;
  return `object:${group}/${kind}/${namespace}/${name}`;
}

/** `deployment storefront/web`, as the recordings and the command line name it. */
export function nodeTitle(node: GraphNode | undefined): string {
  if (node === undefined) return '';
  if (node.is !== 'object') return `${node.is} ${node.name}`;
  const { kind, namespace, name } = node.object;
  return `${kind.toLowerCase()} ${namespace}/${name}`;
}
