import { EFFECTS_OF_IMPACT, type ImpactEffect } from '../../shared/landscape/effects.ts';
import type { Reached } from '../../shared/landscape/impact.ts';
import { fieldCell, isGuess, lackText, nodeName, type Naming } from './node-name.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';
import { shortenMiddle, widthOf } from './text.ts';
import { treeTable, type Cell, type TreeItem } from './tree-table.ts';
import { shrink, widest } from './fit.ts';

/** What an impact reaches, as a tree from what is hit: what is exposed first, of the rest the worst first. */
export function impactTree(starts: readonly number[], reached: readonly Reached[], naming: Naming): string[] {
  const { style, graph } = naming;
  const under = new Map<number | null, number[]>();
  for (const [place, { via }] of reached.entries()) under.set(via, [...(under.get(via) ?? []), place]);
  const exposed = new Set<number>();
  for (const [place, entry] of reached.entries()) {
    if (graph.nodes[entry.node]?.is !== 'host') continue;
    for (let at: number | null = place; at !== null; at = reached[at]?.via ?? null) exposed.add(at);
  }
  const items = (via: number | null): TreeItem[] => {
    const rank = (place: number): number => {
      const { effect = 'may notice', certainty = 'declared' } = reached[place] ?? {};
      return (exposed.has(place) ? 0 : 100) + EFFECTS_OF_IMPACT.indexOf(effect) * 2 + (isGuess({ certainty }) ? 1 : 0);
    };
    const name = (place: number): string => nodeName(graph.nodes[reached[place]?.node ?? -1], naming);
    const places = [...(under.get(via) ?? [])].sort((a, b) => rank(a) - rank(b) || (name(a) < name(b) ? -1 : 1));
    return places.flatMap((place) => {
      const entry = reached[place];
      return entry === undefined ? [] : [{ ...itemOf(entry, naming), children: items(place) }];
    });
  };
  const names = starts.map((place) => nodeName(graph.nodes[place], naming));
  const root: TreeItem = {
    name: { text: names.length > 3 ? `${names.length} objects` : names.join(', '), paint: style.chalk.bold },
    lines: [],
    children: items(null),
  };
  return treeTable(['OBJECT', '  EFFECT', 'BY'], root, style);
}

function itemOf({ node, effect, certainty, edges }: Reached, naming: Naming): TreeItem {
  const { graph, style } = naming;
  const { chalk } = style;
  const target = graph.nodes[node];
  const isHost = target?.is === 'host';
  const mark = isGuess({ certainty }) ? '?' : ' ';
  const paint = paintEffect(effect, style);
  const told = edges.flatMap((place) => graph.edges[place] ?? []);
  const cells = told.map((edge): Cell[] => [{ text: '' }, fieldCell(edge, naming)]);
  const [[, field = { text: '' }] = [], ...more] = cells;
  return {
    name: { text: nodeName(target, naming), ...(isHost ? { paint: chalk.bold } : {}) },
    lines: [[{ text: `${mark} ${effect}`, paint }, isHost ? { text: 'EXPOSED', paint: chalk.bold } : field], ...more],
    children: [],
  };
}

/** The worse, the louder. */
function paintEffect(effect: ImpactEffect, { chalk }: Style): (text: string) => string {
  return { goes: chalk.red, breaks: chalk.red, denied: chalk.magenta, stale: chalk.yellow, 'may notice': chalk.dim }[effect]; // prettier-ignore
}

/** `1 breaks, 2 stale, 5 may notice`. */
export function effectsText(reached: readonly Reached[]): string {
  return EFFECTS_OF_IMPACT.flatMap((effect) => {
    const count = reached.filter((entry) => entry.effect === effect).length;
    return count === 0 ? [] : [`${count} ${effect}`];
  }).join(', ');
}

/** Edges that are lost (`-`) and gained (`+`), a line each. */
export function edgeTable(lost: readonly number[], gained: readonly number[], naming: Naming): string[] {
  const { graph, style } = naming;
  const { chalk, columns } = style;
  const rows = [
    ...lost.map((place) => ({ sign: '-', place })),
    ...gained.map((place) => ({ sign: '+', place })),
  ].flatMap(({ sign, place }) => {
    const edge = graph.edges[place];
    if (edge === undefined) return [];
    const [from, to] = [edge.from, edge.to].map((node) => nodeName(graph.nodes[node], naming));
    const now = graph.edges.find((other) => other !== edge && other.missing !== undefined && other.relation === edge.relation && other.from === edge.from && other.to === edge.to && other.field === edge.field && other.key === edge.key); // prettier-ignore
    const note = lackText(now ?? edge, naming);
    return [{ sign, from: from ?? '', relation: `${isGuess(edge) ? '?' : ' '} ${edge.relation}`, to: to ?? '', field: fieldCell(now ?? edge, naming), note }]; // prettier-ignore
  });
  const heads = ['EDGE', '  RELATION', 'TO', 'FIELD'];
  const natural = (texts: string[], head: string): number => widest([head, ...texts].map(widthOf));
  const from = natural(rows.map((row) => `${row.sign} ${row.from}`), 'EDGE'); // prettier-ignore
  const relation = natural(rows.map((row) => row.relation), '  RELATION'); // prettier-ignore
  const to = natural(rows.map((row) => row.to), 'TO'); // prettier-ignore
  const field = natural(rows.map((row) => row.field.text), 'FIELD'); // prettier-ignore
  const [a = from, b = to, c = field] = columns === null ? [] : shrink([from, to, field], columns - relation - 6, 12);
  const cells = rows.map((row) => {
    const paint = row.sign === '-' ? chalk.red : chalk.green;
    const text = widthOf(row.field.text) <= c ? row.field.text : (row.field.fit?.(c) ?? '');
    return [
      paint(shortenMiddle(`${row.sign} ${row.from}`, a, style.ellipsis)),
      chalk.dim(row.relation),
      shortenMiddle(row.to, b, style.ellipsis),
      row.field.paint?.(text) ?? text,
    ];
  });
  return cells.length === 0 ? [] : tableLines(heads, cells, style);
}
