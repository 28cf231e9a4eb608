import type { Branch, Tree } from '../../shared/landscape/tree.ts';
import { RELATIONS, type Edge } from '../../shared/landscape/types.ts';
import type { Setter } from '../../shared/types.ts';
import { absence, fieldCell, isGuess, nodeName, type Naming } from './node-name.ts';
import { printable } from './text.ts';
import { timeFormat } from './times.ts';
import { treeTable, type Cell, type TreeItem } from './tree-table.ts';
import { changeWho, paintWho } from './who.ts';

/** Who made each edge, by its place; null where nobody is asked for. */
export type Makers = ReadonlyMap<number, Setter | null> | null;

/** What something depends on, or who depends on it, as a tree: each edge with its relation and its field. */
export function dependencyTree(tree: Tree, members: string, makers: Makers, naming: Naming): string[] {
  const { chalk } = naming.style;
  const heads = ['OBJECT', '  RELATION', 'FIELD'];
  const root = itemOf(tree.root, makers, naming);
  root.lines = [[{ text: '' }, { text: members, paint: chalk.dim }]];
  if (makers === null) return treeTable(heads, root, naming.style);
  return treeTable(['OBJECT', '  RELATION', 'CHANGE', 'BY', 'TIME', 'FIELD'], wideRoot(root), naming.style, true);
}

function wideRoot(root: TreeItem): TreeItem {
  const [[relation = { text: '' }, members = { text: '' }] = []] = root.lines;
  return { ...root, lines: [[relation, { text: '' }, { text: '' }, { text: '' }, members]] };
}

function itemOf({ node, edges, children, again }: Branch, makers: Makers, naming: Naming): TreeItem {
  const { graph, style } = naming;
  const { chalk } = style;
  const target = graph.nodes[node];
  const missing = absence(target, naming);
  const name = nodeName(target, naming);
  const isRoot = edges.length === 0;
  const paint = missing === 'missing' ? chalk.red : isRoot ? chalk.bold : again ? chalk.dim : undefined;
  const told = edges.flatMap((place) => {
    const edge = graph.edges[place];
    return edge === undefined ? [] : [{ edge, place }];
  });
  return {
    name: { text: name, ...(paint === undefined ? {} : { paint }) },
    lines: told.map(({ edge, place }) => lineOf(edge, makers === null ? null : (makers.get(place) ?? null), makers !== null, naming)), // prettier-ignore
    children: sorted(children, naming).map((child) => itemOf(child, makers, naming)),
  };
}

function lineOf(edge: Edge, setter: Setter | null, wide: boolean, naming: Naming): Cell[] {
  const { style } = naming;
  const { chalk } = style;
  const relation = {
    text: `${isGuess(edge) ? '?' : ' '} ${edge.relation}`,
    paint: isGuess(edge) ? chalk.yellow : chalk.dim,
  };
  const field = fieldCell(edge, naming);
  if (!wide) return [relation, field];
  if (setter === null) return [relation, { text: '-' }, { text: '-' }, { text: '-' }, field];
  return [
    relation,
    { text: String(setter.seq), paint: chalk.yellow },
    { text: changeWho(setter, style), paint: (text) => paintWho(text, setter.actor, style) },
    { text: timeFormat([setter.at], style)(setter.at), paint: chalk.dim },
    field,
  ];
}

/** By relation, then by name, so that the same question has the same answer. */
function sorted(branches: readonly Branch[], naming: Naming): Branch[] {
  const rank = ({ edges }: Branch): number => {
    const relation = naming.graph.edges[edges[0] ?? -1]?.relation;
    return relation === undefined ? 0 : RELATIONS.indexOf(relation);
  };
  const text = ({ node }: Branch): string => printable(nodeName(naming.graph.nodes[node], naming));
  return [...branches].sort((a, b) => rank(a) - rank(b) || (text(a) < text(b) ? -1 : 1));
}
