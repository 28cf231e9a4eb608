import type { Edge, Graph, GraphNode } from '../../shared/landscape/types.ts';
import { objectName } from './object-name.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, widthOf } from './text.ts';
import type { Cell } from './tree-table.ts';
import { shortenPath } from './value.ts';

/** What nodes and edges of a graph are called in an answer. */
export interface Naming {
  graph: Graph;
  /** The namespace that goes without saying. */
  home: string;
  /** True where it can be told that what is not seen did not exist: recording worked then, and the reader may read its type. */
  isAbsent: (node: GraphNode & { is: 'object' }) => boolean;
  style: Style;
}

/** `deployment/web`, `service/collector (monitoring)`, `host/shop.example.com`. */
export function nodeName(node: GraphNode | undefined, { home, style }: Pick<Naming, 'home' | 'style'>): string {
  if (node === undefined) return '';
  if (node.is !== 'object') return printable(`${node.is}/${node.name}`);
  const { namespace } = node.object;
  return objectName(node.object, style) + (namespace === '' || namespace === home ? '' : printable(` (${namespace})`));
}

/** `missing`, where that is known; '' of what is there, and of what is no object. */
export function absence(node: GraphNode | undefined, { isAbsent }: Pick<Naming, 'isAbsent'>): string {
  if (node?.is !== 'object' || node.seen) return '';
  return isAbsent(node) ? 'missing' : 'not seen';
}

/** What an edge lacks, in words; '' where nothing. */
export function lackText(edge: Edge, naming: Naming): string {
  switch (edge.missing) {
    case 'key':
      return `no ${edge.relation === 'uses' ? 'key' : 'port'} ${printable(edge.key ?? '')}`;
    case 'grant':
      return 'not permitted';
    case 'object':
      return absence(naming.graph.nodes[edge.to], naming);
    default:
      return '';
  }
}

/** True for what only looks like a dependency. */
export function isGuess({ certainty }: Pick<Edge, 'certainty'>): boolean {
  return certainty === 'inferred' || certainty === 'unresolved';
}

/** Where a body says it; with the object where it is neither end of the edge. What an edge lacks stands first. */
export function fieldCell(edge: Edge, naming: Naming): Cell {
  const { graph, style } = naming;
  const { chalk } = style;
  const [by, from] = [graph.nodes[edge.by], graph.nodes[edge.from]];
  const says = edge.by === edge.from || edge.by === edge.to || by === from ? '' : `${nodeName(by, naming)} `;
  const lack = lackText(edge, naming);
  const note = lack === '' ? '' : `${lack}${edge.optional === true ? ' (optional)' : ''}: `;
  const path = printable(edge.field);
  const paintNote = edge.optional === true ? chalk.dim : chalk.red;
  const paint = (text: string): string => (note !== '' && text.startsWith(note) ? paintNote(note) + text.slice(note.length) : text); // prettier-ignore
  const fit = (width: number): string => {
    const room = width - widthOf(note + says);
    if (room >= MIN_FIELD) return note + says + shortField(path, room, style);
    return shortenEnd(note + says + shortField(path, MIN_FIELD, style), width, style.ellipsis);
  };
  return { text: note + says + path, paint, fit };
}

const MIN_FIELD = 12;

/** The item of a list tells more than what is in it: `spec…volumes[conf]` of `spec.template.spec.volumes[conf].configMap.name`. */
function shortField(path: string, width: number, style: Style): string {
  if (widthOf(path) <= width) return path;
  const item = /^(.*\])\.[^[\]]*$/.exec(path)?.[1];
  return shortenPath(item ?? path, width, style);
}
