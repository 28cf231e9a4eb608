import { makersOf } from '../../shared/landscape/made-by.ts';
import { treeOf, type Branch } from '../../shared/landscape/tree.ts';
import type { Edge, Graph } from '../../shared/landscape/types.ts';
import type { LedgerReader, ObjectRef, Setter } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { dependencyTree } from '../views/dependency-tree.ts';
import { dot, mermaid, type Link } from '../views/diagram.ts';
import { document } from '../views/json.ts';
import { treeDocument } from '../views/landscape-json.ts';
import { isGuess } from '../views/node-name.ts';
import { momentText } from '../views/times.ts';
import { countByKind } from './dependents.ts';
import { depthOf, momentOf, namingOf, tellLimits, type LandscapeFlags } from './landscape.ts';
import { note, print } from './notes.ts';
import { findIn, oneObject, tellDeletion } from './one-object.ts';

export interface TreeFlags extends LandscapeFlags {
  reverse?: boolean;
}

const DEPTH = 3;

/** `kubectl blame tree TYPE/NAME`: what an object depends on, or with --reverse who depends on it. */
export async function tree(words: readonly string[], flags: TreeFlags, reader: LedgerReader, io: Io): Promise<void> {
  const reverse = flags.reverse === true;
  const depth = depthOf(flags, DEPTH);
  const asked = await momentOf(flags, reader, io);
  const { named, io: own } = await oneObject(words, flags, reader, io);
  const { graph, start, at, deletion } = await findIn(named, asked, reverse, reader, own);
  const naming = await namingOf(graph, start, { at, ...(graph.denied === undefined ? {} : { denied: graph.denied }) }, reader, own); // prettier-ignore
  const { style } = own;
  if (deletion !== null) tellDeletion(named, deletion, own);
  note(own, `${named.title} ${style.dot} ${reverse ? 'who depends on it' : 'what it depends on'} ${style.dot} as of ${momentText(at, style)}`); // prettier-ignore
  const found = treeOf(graph, start, { reverse, depth });
  const places = edgesOf(found.root);
  const format = flags.output ?? 'table';
  if (format === 'dot' || format === 'mermaid') {
    const diagram = { title: named.title, links: linksOf(found.root), starts: [start] };
    own.out(format === 'dot' ? dot(diagram, naming) : mermaid(diagram, naming));
  } else {
    const makers = format === 'table' ? null : await makersOfEdges(places, graph, at, reader, own);
    if (format === 'json' || format === 'yaml')
      own.out(document(treeDocument(found, { at, reverse }, makers, graph), format)); // prettier-ignore
    else print(own, dependencyTree(found, membersText(found.members, graph), makers, naming));
  }
  if (places.length === 0) note(own, reverse ? 'nothing that was recorded depends on it' : 'it depends on nothing that was recorded'); // prettier-ignore
  if (places.some((place) => isGuess(graph.edges[place] ?? { certainty: 'declared' }))) {
    note(own, '? inferred: a value looks like an address of it');
  }
  if (found.deeper > 0) note(own, `${found.deeper} more lie deeper: --depth ${depth + 1}`);
  await tellLimits(at, graph.denied, reader, own);
}

function edgesOf({ edges, children }: Branch): number[] {
  return [...edges, ...children.flatMap(edgesOf)];
}

function linksOf({ node, children }: Branch): Link[] {
  return children.flatMap((child) => [
    ...child.edges.map((edge) => ({ edge, above: node, below: child.node })),
    ...linksOf(child),
  ]);
}

function membersText(members: readonly number[], { nodes }: Graph): string {
  const objects = members.flatMap((place) => {
    const node = nodes[place];
    return node?.is === 'object' ? [{ object: node.object }] : [];
  });
  return countByKind(objects);
}

/** Who made each edge: one question for each object that says something. */
async function makersOfEdges(
  places: readonly number[],
  { nodes, edges }: Graph,
  at: number,
  reader: LedgerReader,
  io: Io,
): Promise<Map<number, Setter | null>> {
  const byObject = new Map<number, { object: ObjectRef; edges: { place: number; edge: Edge }[] }>();
  for (const place of new Set(places)) {
    const edge = edges[place];
    const by = edge === undefined ? undefined : nodes[edge.by];
    if (edge === undefined || by?.is !== 'object') continue;
    const known = byObject.get(edge.by) ?? { object: by.object, edges: [] };
    known.edges.push({ place, edge });
    byObject.set(edge.by, known);
  }
  const makers = new Map<number, Setter | null>();
  for (const { object, edges: said } of byObject.values()) {
    const setters = await makersOf(reader, object, said.map(({ edge }) => edge.field), at); // prettier-ignore
    for (const [index, { place }] of said.entries()) makers.set(place, setters[index] ?? null);
    io.progress?.(`${makers.size} edges`);
  }
  return makers;
}
