import { Graph, layout } from '@dagrejs/dagre';
import type { Box, Layout, Line, Place } from './protocol.ts';

/** Sizes of boxes, in the units of the picture. */
const SIZES: Record<Box['kind'], { width: number; height: number }> = {
  app: { width: 190, height: 92 },
  loose: { width: 190, height: 92 },
  host: { width: 176, height: 48 },
  external: { width: 176, height: 52 },
  workload: { width: 190, height: 92 },
  service: { width: 176, height: 52 },
  object: { width: 176, height: 52 },
  missing: { width: 176, height: 52 },
};
const GAP = { column: 48, row: 22 };
const MARGIN = 16;

/** Where boxes are: from what is reached from outside, on the left, to what all stands on. Lines lead to the right. */
export function layoutOf(boxes: readonly Box[], lines: readonly Line[]): Layout {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: GAP.row, ranksep: GAP.column, marginx: MARGIN, marginy: MARGIN, ranker: 'network-simplex' }); // prettier-ignore
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = new Set(boxes.map(({ id }) => id));
  for (const { id, kind } of boxes) graph.setNode(id, { ...SIZES[kind] });
  const joined = new Set<string>();
  for (const { from, to, count } of lines) {
    if (!ids.has(from) || !ids.has(to)) continue;
    graph.setEdge(from, to, { weight: Math.min(count, 4) });
    joined.add(from).add(to);
  }
  // What nothing leads to, or from, stands below the rest, and does not pull it apart.
  const alone = boxes.filter(({ id }) => !joined.has(id));
  for (const { id } of alone) graph.removeNode(id);
  layout(graph);
  const places: Record<string, Place> = {};
  for (const id of graph.nodes()) {
    const { x, y, width, height } = graph.node(id) as Place;
    places[id] = { x: x - width / 2, y: y - height / 2, width, height };
  }
  pinColumns(boxes, places);
  stackAlone(alone, places);
  return sized(places);
}

/** Hosts stand in the first column, whatever leads to them. */
function pinColumns(boxes: readonly Box[], places: Record<string, Place>): void {
  const hosts = boxes.filter(({ kind, id }) => kind === 'host' && places[id] !== undefined);
  const others = Object.entries(places).filter(([id]) => !hosts.some((host) => host.id === id));
  if (hosts.length === 0 || others.length === 0) return;
  const left = Math.min(...others.map(([, { x }]) => x));
  const x = left - SIZES.host.width - GAP.column;
  let below = -Infinity;
  const sorted = hosts.map(({ id }) => places[id]).filter((place) => place !== undefined).sort((a, b) => a.y - b.y); // prettier-ignore
  for (const place of sorted) {
    place.x = x;
    place.y = Math.max(place.y, below);
    below = place.y + place.height + GAP.row;
  }
}

/** How many stand in a row. */
const ACROSS = 4;

function stackAlone(alone: readonly Box[], places: Record<string, Place>): void {
  const all = Object.values(places);
  const top = all.length === 0 ? 0 : Math.max(...all.map(({ y, height }) => y + height)) + 2 * GAP.row + 20;
  const left = all.length === 0 ? 0 : Math.min(...all.map(({ x }) => x));
  for (const [index, { id, kind }] of alone.entries()) {
    const [column, row] = [index % ACROSS, Math.floor(index / ACROSS)];
    places[id] = { ...SIZES[kind], x: left + column * (SIZES.app.width + 30), y: top + row * (SIZES.app.height + GAP.row) }; // prettier-ignore
  }
}

function sized(places: Record<string, Place>): Layout {
  const all = Object.values(places);
  if (all.length === 0) return { places, width: 0, height: 0 };
  const [left, top] = [Math.min(...all.map(({ x }) => x)), Math.min(...all.map(({ y }) => y))];
  for (const place of all) {
    place.x += MARGIN - left;
    place.y += MARGIN - top;
  }
  return {
    places,
    width: Math.max(...all.map(({ x, width }) => x + width)) + MARGIN,
    height: Math.max(...all.map(({ y, height }) => y + height)) + MARGIN,
  };
}
