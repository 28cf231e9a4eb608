import type { ImpactEffect } from '../../shared/landscape/effects.ts';
import { isGuess, lackText, nodeName, type Naming } from './node-name.ts';

/** What a picture shows: places in the naming's graph. */
export interface Diagram {
  title: string;
  links: readonly Link[];
  /** Nodes that the question is about, and what happens to others. */
  starts: readonly number[];
  effects?: ReadonlyMap<number, ImpactEffect>;
}

/** An edge between a node and one that was reached from it; a workload may stand for a pod that the edge leads to. */
export interface Link {
  edge: number;
  above: number;
  below: number;
}

interface Line {
  from: number;
  to: number;
  label: string;
  guess: boolean;
}

const COLOURS: Record<ImpactEffect, string> = {
  goes: '#f4b6b6',
  breaks: '#f4b6b6',
  denied: '#e3c0ee',
  stale: '#f7e3a1',
  'may notice': '#e8e8e8',
};

/** For Graphviz: `dot -Tsvg`. What is inferred is dashed. */
export function dot(diagram: Diagram, naming: Naming): string {
  const { nodes, lines } = partsOf(diagram, naming);
  const quoted = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  return [
    `digraph ${quoted(diagram.title)} {`,
    '  rankdir=LR;',
    '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="sans-serif"];',
    ...nodes.map(([place, name]) => {
      const effect = diagram.effects?.get(place);
      const bold = diagram.starts.includes(place) ? ', penwidth=2' : '';
      const label = quoted(effect === undefined ? name : `${name}\n${effect}`);
      return `  n${place} [label=${label}${bold}${effect === undefined ? '' : `, fillcolor=${quoted(COLOURS[effect])}`}];`;
    }),
    ...lines.map(({ from, to, label, guess }) => `  n${from} -> n${to} [label=${quoted(label)}${guess ? ', style=dashed' : ''}];`), // prettier-ignore
    '}',
    '',
  ].join('\n');
}

/** For Markdown, as GitHub and GitLab draw it. What is inferred is dotted. */
export function mermaid(diagram: Diagram, naming: Naming): string {
  const { nodes, lines } = partsOf(diagram, naming);
  const quoted = (text: string): string =>
    `"${text.replace(/[&<>"#`|]/g, (character) => `#${character.charCodeAt(0)};`)}"`;
  return [
    'flowchart LR',
    ...nodes.map(([place, name]) => {
      const effect = diagram.effects?.get(place);
      return `  n${place}[${effect === undefined ? quoted(name) : `${quoted(name).slice(0, -1)}<br>${effect}"`}]`;
    }),
    ...lines.map(({ from, to, label, guess }) => `  n${from} ${guess ? '-.->' : '-->'}|${quoted(label)}| n${to}`),
    ...diagram.starts.map((place) => `  style n${place} stroke-width:3px`),
    ...nodes.flatMap(([place]) => {
      const effect = diagram.effects?.get(place);
      return effect === undefined ? [] : [`  style n${place} fill:${COLOURS[effect]}`];
    }),
    '',
  ].join('\n');
}

/** Nodes by their names, and each two of them with all their relations once. */
function partsOf({ links, starts }: Diagram, naming: Naming): { nodes: [number, string][]; lines: Line[] } {
  const { graph } = naming;
  const nodes = new Map(starts.map((place) => [place, nodeName(graph.nodes[place], naming)]));
  const lines = new Map<string, Line>();
  for (const { edge: place, above, below } of links) {
    const edge = graph.edges[place];
    if (edge === undefined) continue;
    const [from, to] = edge.to === above || edge.from === below ? [below, above] : [above, below];
    for (const end of [from, to]) nodes.set(end, nodeName(graph.nodes[end], naming));
    const lack = lackText(edge, naming);
    const label = `${isGuess(edge) ? '? ' : ''}${edge.relation}${lack === '' ? '' : ` (${lack})`}`;
    lines.set(JSON.stringify([from, to, label]), { from, to, label, guess: isGuess(edge) });
  }
  return { nodes: [...nodes], lines: [...lines.values()] };
}
