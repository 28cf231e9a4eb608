import { isWorkload } from '../../../shared/landscape/units.ts';
import { CERTAINTIES, type Edge, type GraphNode } from '../../../shared/landscape/types.ts';
import type { Box, BoxKind, Line, MapModel, View } from './protocol.ts';
import { nodeId, type Moment } from './world.ts';

/** The most that is drawn: more is a tangle, and too slow to be dragged. */
export const MAX_BOXES = 300;
/** What so many boxes use is told in them, and gets no box of its own. */
const HUB = 5;

/** Accounts and certificates that every pod has: lines to them say nothing. */
const EVERYWHERE = new Set(['kube-root-ca.crt', 'openshift-service-ca.crt']);

/** Of each node the box that it is in; null where the map does not show it. */
type Boxing = (place: number) => string | null;

/** What the map shows at a moment. */
export function mapOf(moment: Moment, view: View): MapModel {
  const boxing = boxingOf(moment, view);
  const ids = moment.graph.nodes.map((_, place) => boxing(place));
  const hubs = hubsOf(moment, ids);
  const boxes = new Map<string, Box>();
  const boxOf: Record<string, string> = {};
  for (const [place, node] of moment.graph.nodes.entries()) {
    const id = ids[place] ?? null;
    if (id === null || hubs.has(id)) continue;
    if (node.is === 'object' && node.seen) boxOf[node.object.uid] = id;
    if (!boxes.has(id)) boxes.set(id, boxFor(moment, place, id, view));
    if (isPod(node) && node.is === 'object' && node.seen) countPod(boxes.get(id));
  }
  const lines = linesOf(moment, ids, hubs, boxes);
  const shown = neighbourhood(view, boxes, lines);
  const kept = shown.slice(0, MAX_BOXES);
  const keep = new Set(kept.map(({ id }) => id));
  const { objects, graph, applications } = moment;
  return {
    boxes: kept,
    lines: lines.filter(({ from, to }) => keep.has(from) && keep.has(to)),
    left: shown.length - kept.length,
    totals: { objects: objects.length, edges: graph.edges.length, applications: applications.applications.length },
    boxOf,
  };
}

function isPod(node: GraphNode): boolean {
  return node.is === 'object' && node.object.kind === 'Pod' && node.object.group === '';
}

function countPod(box: Box | undefined): void {
  if (box !== undefined) box.pods = (box.pods ?? 0) + 1;
}

/** Kinds that say nothing on a map: what is generated, what defines types, and who may do what. */
const NOT_DRAWN = new Set(['EndpointSlice', 'Node', 'ControllerRevision', 'CustomResourceDefinition', 'Namespace', 'APIService', 'VolumeAttachment']); // prettier-ignore
const NOT_OF_APPLICATIONS = new Set(['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding', 'PersistentVolume']); // prettier-ignore

function boxingOf(moment: Moment, { level, focus }: View): Boxing {
  const { graph, applicationOf, units } = moment;
  const ends = (relation: Edge['relation']): Set<number> => new Set(graph.edges.flatMap((edge) => (edge.relation === relation ? [edge.to] : []))); // prettier-ignore
  const [exposed, crossed] = [ends('exposes'), ends('crosses')];
  const linked = new Set(graph.edges.flatMap(({ from, to }) => [from, to]));
  const isWide = level === 'apps' && focus.kind === 'all';
  const loose = new Set(graph.nodes.flatMap((node, place) => (node.is === 'object' && node.seen && isWorkload(node) && applicationOf[place] === '' && units.unit(place) === place ? [node.object.namespace] : []))); // prettier-ignore
  return (place) => {
    const node = graph.nodes[place];
    if (node === undefined) return null;
    if (node.is !== 'object') return node.is !== 'host' ? null : exposed.has(place) ? nodeId(node) : crossed.has(place) ? `external:${node.name}` : null; // prettier-ignore
    const { kind, namespace, name } = node.object;
    if (NOT_DRAWN.has(kind) || EVERYWHERE.has(name) || (kind === 'ServiceAccount' && name === 'default')) return null;
    const unit = graph.nodes[units.unit(place)] ?? node;
    const app = applicationOf[place] ?? '';
    const isApart = level === 'objects' || focus.kind === 'object' || (focus.kind === 'app' && focus.name === app);
    // What lacks it says so: on a wide map its own box would only be in the way.
    if (!node.seen) return isWide || (level === 'objects' && NOT_OF_APPLICATIONS.has(kind)) ? null : nodeId(node);
    if (app !== '') return isApart ? nodeId(unit) : `app:${app}`;
    if (!linked.has(place) && !isWorkload(node)) return null;
    if (focus.kind === 'object') return nodeId(unit);
    if (NOT_OF_APPLICATIONS.has(kind)) return null;
    if (level === 'objects') return nodeId(unit);
    return loose.has(namespace) ? `loose:${namespace}` : nodeId(unit);
  };
}

/** Boxes of the cluster that very many lead to, each with its name. */
function hubsOf({ graph, applicationOf }: Moment, ids: readonly (string | null)[]): Map<string, string> {
  const users = new Map<string, Set<string>>();
  for (const { from, to } of graph.edges) {
    const [a, b] = [ids[from] ?? null, ids[to] ?? null];
    if (a === null || b === null || a === b || (applicationOf[to] ?? '') !== '') continue;
    users.set(b, (users.get(b) ?? new Set()).add(a));
  }
  const hubs = new Map<string, string>();
  for (const [id, its] of users)
    if (its.size >= HUB && id.startsWith('object:')) hubs.set(id, id.split('/').at(-1) ?? id);
  return hubs;
}

function boxFor(moment: Moment, place: number, id: string, view: View): Box {
  const { graph, applications, applicationOf, units, members } = moment;
  const nothing = { type: '', teams: [], product: '', release: '', pods: null, broken: 0, missing: [], conflict: '', badges: [], object: null, inside: false }; // prettier-ignore
  if (id.startsWith('app:')) {
    const name = id.slice('app:'.length);
    const found = applications.applications.find((each) => each.name === name);
    const contradiction = found?.members.find((member) => member.contradiction !== undefined)?.contradiction;
    return {
      ...{ ...nothing, id, kind: 'app', title: name, type: found?.managers.join(', ') ?? '' },
      teams: found?.teams ?? [],
      product: found?.products.filter((each) => each !== name).join(', ') ?? '',
      release: found?.releases.join(' · ') ?? '',
      conflict: contradiction === undefined ? '' : `label ${contradiction.label}, image ${contradiction.tag}`,
    };
  }
  const node = graph.nodes[id.startsWith('loose:') ? place : units.unit(place)] ?? graph.nodes[place];
  if (id.startsWith('loose:')) return { ...nothing, id, kind: 'loose', title: id.slice('loose:'.length), type: 'no application' }; // prettier-ignore
  if (node?.is !== 'object') return { ...nothing, id, kind: id.startsWith('external:') ? 'external' : 'host', title: node?.name ?? id, type: id.startsWith('external:') ? 'outside of the cluster' : 'host' }; // prettier-ignore
  const { object } = node;
  const member = members.get(object.uid);
  const application = applicationOf[place] ?? '';
  const version = member?.version;
  return {
    ...{ ...nothing, id, title: object.name, type: object.kind, object },
    kind: kindOf(node),
    teams: member?.team == null ? [] : [member.team.value],
    release: version?.version ?? version?.images[0]?.tag ?? '',
    conflict: member?.contradiction === undefined ? '' : `label ${member.contradiction.label}, image ${member.contradiction.tag}`, // prettier-ignore
    product: view.focus.kind === 'app' && view.focus.name === application ? '' : application,
    inside: view.focus.kind === 'app' && view.focus.name === application,
  };
}

function kindOf(node: GraphNode & { is: 'object' }): BoxKind {
  if (!node.seen) return 'missing';
  if (isWorkload(node)) return 'workload';
  return ['Service', 'Ingress', 'HTTPRoute', 'Gateway', 'GRPCRoute', 'VirtualService'].includes(node.object.kind) ? 'service' : 'object'; // prettier-ignore
}

/** Edges between boxes, merged; those to hubs become badges. */
function linesOf(
  moment: Moment,
  ids: readonly (string | null)[],
  hubs: Map<string, string>,
  boxes: Map<string, Box>,
): Line[] {
  const lines = new Map<string, Line>();
  for (const edge of moment.graph.edges) {
    // Requests come from a host: so it is drawn, on the left.
    const isExposing = edge.relation === 'exposes';
    const from = ids[isExposing ? edge.to : edge.from] ?? null;
    const to = ids[isExposing ? edge.from : edge.to] ?? null;
    const isBroken = edge.missing !== undefined && edge.optional !== true;
    const box = boxes.get(from ?? '');
    if (isBroken && box !== undefined) addMissing(box, edge, moment);
    if (from === null || to === null) continue;
    const hub = hubs.get(to);
    if (hub !== undefined && box !== undefined && !box.badges.includes(hub)) box.badges.push(hub);
    if (from === to || hub !== undefined || hubs.has(from)) continue;
    if (edge.relation === 'owns' && moment.units.unit(edge.to) === moment.units.unit(edge.from)) continue;
    const id = `${from}→${to}`;
    const known = lines.get(id);
    if (known === undefined)
      lines.set(id, { id, from, to, count: 1, certainty: edge.certainty, broken: Number(isBroken), relations: [edge.relation] }); // prettier-ignore
    else addTo(known, edge, isBroken);
  }
  return [...lines.values()];
}

/** Names what a box lacks: a thing once, however many say so. */
function addMissing(box: Box, { to, key, missing }: Edge, { graph }: Moment): void {
  const node = graph.nodes[to];
  const name = node === undefined ? '' : node.is === 'object' ? node.object.name : node.name;
  const what = missing === 'object' ? name : `${name} ${key ?? missing ?? ''}`;
  if (box.missing.includes(what)) return;
  box.missing.push(what);
  box.broken = box.missing.length;
}

function addTo(line: Line, { certainty, relation }: Edge, isBroken: boolean): void {
  line.count++;
  line.broken += Number(isBroken);
  if (CERTAINTIES.indexOf(certainty) < CERTAINTIES.indexOf(line.certainty)) line.certainty = certainty;
  if (!line.relations.includes(relation)) line.relations.push(relation);
}

/** The boxes that a focus leaves: what it is about, and what is one line away from it. Without a focus: what is of use on a map. */
function neighbourhood({ level, focus }: View, boxes: ReadonlyMap<string, Box>, lines: readonly Line[]): Box[] {
  const ends = new Set(lines.flatMap(({ from, to }) => [from, to]));
  const all = [...boxes.values()];
  if (focus.kind === 'all') {
    const useful = all.filter(
      ({ id, kind }) => (kind !== 'object' && kind !== 'host' && kind !== 'missing') || ends.has(id),
    );
    const ofApps = new Set(lines.flatMap(({ from, to }) => (level === 'objects' || [from, to].some((id) => /^(?:app|loose):/.test(id)) ? [from, to] : []))); // prettier-ignore
    return useful.filter(({ id, kind }) => kind === 'app' || kind === 'loose' || ofApps.has(id) || level === 'objects');
  }
  const isCentre = ({ id, inside }: Box): boolean =>
    focus.kind === 'app' ? inside || id === `app:${focus.name}` : id === focus.id;
  const centre = new Set(all.filter(isCentre).map(({ id }) => id));
  const near = new Set(centre);
  for (const { from, to } of lines) {
    if (centre.has(from)) near.add(to);
    if (centre.has(to)) near.add(from);
  }
  return all.filter(({ id }) => near.has(id));
}
