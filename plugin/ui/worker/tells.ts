import type { Member } from '../../../shared/landscape/applications.ts';
import { impactOf } from '../../../shared/landscape/impact.ts';
import type { Edge } from '../../../shared/landscape/types.ts';
import { isWorkload } from '../../../shared/landscape/units.ts';
import type { ObjectRef } from '../../../shared/types.ts';
import { mapOf } from './boxes.ts';
import type { ApplicationRow, Comparison, EdgeRow, Found, ImpactRow, ObjectModel, ReleaseMark, TableModel, View } from './protocol.ts'; // prettier-ignore
import { nodeId, nodeTitle, type Moment, type ObjectTurn } from './world.ts';

/** Everything that the map shows, as rows. */
export function tableOf(moment: Moment): TableModel {
  const { graph, applications } = moment;
  return {
    applications: applications.applications.map((application) => ({
      ...application,
      members: application.members.map(memberRow),
    })),
    edges: graph.edges.map((edge) => edgeRow(moment, edge)),
    none: applications.none
      .filter((object) => isWorkload({ is: 'object', object, seen: true }))
      .map((object) => ({ title: titleOf(object), id: idOf(object) })),
  };
}

function memberRow({ object, team, application, version, contradiction }: Member): ApplicationRow['members'][number] {
  return {
    title: titleOf(object),
    id: idOf(object),
    team: team?.value ?? '',
    because: application.by,
    version: version?.version ?? version?.images[0]?.tag ?? '',
    revision: version?.revision ?? '',
    chart: version?.chart ?? '',
    conflict:
      contradiction === undefined ? '' : `the image is ${contradiction.tag}, the label says ${contradiction.label}`,
  };
}

function titleOf(object: ObjectRef): string {
  return nodeTitle({ is: 'object', object, seen: true });
}

function idOf(object: ObjectRef): string {
  return nodeId({ is: 'object', object, seen: true });
}

function edgeRow(
  { graph }: Moment,
  { from, to, by, relation, certainty, key, missing, optional, field }: Edge,
): EdgeRow {
  const [a, b] = [graph.nodes[from], graph.nodes[to]];
  return {
    ...{ relation, certainty, field, key: key ?? '', missing: missing ?? '', optional: optional === true },
    from: nodeTitle(a),
    to: nodeTitle(b),
    by: nodeTitle(graph.nodes[by]),
    fromId: a === undefined ? '' : nodeId(a),
    toId: b === undefined ? '' : nodeId(b),
  };
}

/** An object with what it uses, and what uses it; a workload stands for its pods. null where there is nothing of this name. */
export function objectOf(moment: Moment, id: string): ObjectModel | null {
  const place = moment.places.get(id);
  const node = place === undefined ? undefined : moment.graph.nodes[place];
  if (place === undefined || node?.is !== 'object') return null;
  const { units, graph, members } = moment;
  const member = members.get(node.object.uid);
  const rows = (edges: readonly number[]): EdgeRow[] => edges.flatMap((edge) => {
    const found = graph.edges[edge];
    return found === undefined || (found.relation === 'owns' && units.unit(found.from) === units.unit(found.to)) ? [] : [edgeRow(moment, found)];
  }); // prettier-ignore
  return {
    object: node.object,
    application: moment.applicationOf[place] ?? '',
    team: member?.team?.value ?? '',
    because: member?.application.by ?? '',
    uses: rows(units.leaving[place] ?? []),
    usedBy: rows(units.arriving[place] ?? []),
  };
}

/** What the loss or a change of a node reaches. */
export function impactRows(moment: Moment, id: string, gone: boolean): { rows: ImpactRow[]; beyond: number } | null {
  const place = moment.places.get(id);
  if (place === undefined) return null;
  const { graph, applicationOf } = moment;
  const { reached, beyond } = impactOf(graph, [place], gone ? 'gone' : 'changed');
  const depths: number[] = [];
  const rows = reached.map(({ node, effect, certainty, via, edges }): ImpactRow => {
    const depth = via === null ? 0 : (depths[via] ?? 0) + 1;
    depths.push(depth);
    const edge = graph.edges[edges[0] ?? -1];
    const target = graph.nodes[node];
    const why = edge === undefined ? '' : `${edge.relation}${edge.key === undefined ? '' : ` ${edge.key}`}`;
    const exposed = target?.is === 'host';
    return { ...{ effect, certainty, depth, why, exposed }, title: nodeTitle(target), id: target === undefined ? '' : nodeId(target), application: applicationOf[node] ?? '' }; // prettier-ignore
  });
  return { rows, beyond };
}

/** What of two moments differs: boxes of the map, edges, and applications. */
export function compareMoments(a: Moment, b: Moment, view: View): Comparison {
  const [before, after] = [mapOf(a, view), mapOf(b, view)];
  const known = new Map(before.boxes.map((box) => [box.id, box]));
  const now = new Map(after.boxes.map((box) => [box.id, box]));
  const changed = after.boxes.flatMap((box) => {
    const was = known.get(box.id);
    if (was === undefined) return [];
    const what = (['release', 'pods', 'broken', 'conflict'] as const).flatMap((key) => (was[key] === box[key] ? [] : [`${key} ${was[key] ?? 0} → ${box[key] ?? 0}`])); // prettier-ignore
    const teams = was.teams.join(' ') === box.teams.join(' ') ? [] : [`team ${was.teams.join(' ')} → ${box.teams.join(' ')}`]; // prettier-ignore
    return what.length + teams.length === 0 ? [] : [{ id: box.id, what: [...teams, ...what] }];
  });
  const [lineIds, linesNow] = [new Set(before.lines.map(({ id }) => id)), new Set(after.lines.map(({ id }) => id))];
  return {
    boxes: {
      added: after.boxes.flatMap(({ id }) => (known.has(id) ? [] : [id])),
      removed: before.boxes.flatMap(({ id }) => (now.has(id) ? [] : [id])),
      changed,
    },
    lines: {
      added: [...linesNow].filter((id) => !lineIds.has(id)),
      removed: [...lineIds].filter((id) => !linesNow.has(id)),
    },
    edges: edgeDifference(a, b),
    applications: applicationDifference(a, b),
  };
}

function edgeDifference(a: Moment, b: Moment): Comparison['edges'] {
  // Pods and what is generated come and go: their workloads say the same.
  const lasting = (moment: Moment): Map<string, EdgeRow> => {
    const { units, graph } = moment;
    const rows = graph.edges.flatMap((edge) => (units.unit(edge.from) !== edge.from || units.unit(edge.to) !== edge.to || isGenerated(moment, edge) ? [] : [edgeRow(moment, edge)])); // prettier-ignore
    return new Map(rows.map((row) => [[row.fromId, row.relation, row.toId, row.key, row.missing].join('|'), row]));
  };
  const [was, is] = [lasting(a), lasting(b)];
  return {
    added: [...is].flatMap(([key, row]) => (was.has(key) ? [] : [row])),
    removed: [...was].flatMap(([key, row]) => (is.has(key) ? [] : [row])),
  };
}

function isGenerated({ graph }: Moment, { from, to }: Edge): boolean {
  return [from, to].some((place) => {
    const node = graph.nodes[place];
    return node?.is === 'object' && ['Pod', 'EndpointSlice', 'ReplicaSet'].includes(node.object.kind);
  });
}

function applicationDifference(a: Moment, b: Moment): Comparison['applications'] {
  const was = new Map(a.applications.applications.map((each) => [each.name, each]));
  const is = new Map(b.applications.applications.map((each) => [each.name, each]));
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((name) => {
    const [before, after] = [was.get(name), is.get(name)];
    if (before === undefined || after === undefined) return [{ name, what: [before === undefined ? 'new' : 'gone'] }];
    const what = (['releases', 'teams', 'exposed', 'managers'] as const).flatMap((key) => (before[key].join(' ') === after[key].join(' ') ? [] : [`${key}: ${before[key].join(' ') || '-'} → ${after[key].join(' ') || '-'}`])); // prettier-ignore
    return what.length === 0 ? [] : [{ name, what }];
  });
}

const MOST = 40;

/** Objects, applications, teams and hosts whose name has a text in it. */
export function searchIn(moment: Moment, text: string): Found[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return [];
  const found: Found[] = [];
  const { applications } = moment.applications;
  for (const { name, teams } of applications) if (name.toLowerCase().includes(wanted)) found.push({ id: `app:${name}`, title: name, what: 'application', application: teams.join(', ') }); // prettier-ignore
  for (const team of new Set(applications.flatMap(({ teams }) => teams))) if (team.toLowerCase().includes(wanted)) found.push({ id: `team:${team}`, title: team, what: 'team', application: '' }); // prettier-ignore
  for (const [place, node] of moment.graph.nodes.entries()) {
    const title = nodeTitle(node);
    if (found.length >= 4 * MOST || node.is === 'image') continue;
    if (title.includes(wanted)) found.push({ id: nodeId(node), title, what: node.is === 'object' ? node.object.kind : node.is, application: moment.applicationOf[place] ?? '' }); // prettier-ignore
  }
  const rank = ({ title, what }: Found): number => Number(!title.split(/[ /]/).includes(wanted)) + (['Pod', 'ReplicaSet', 'EndpointSlice'].includes(what) ? 2 : 0); // prettier-ignore
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}

const VERSION = 'app.kubernetes.io/version';

/** The changes of versions among some turns: of workloads that nothing controls, by label and images. `now` tells their applications. */
export function releaseMarks(turns: readonly ObjectTurn[], now: Moment): ReleaseMark[] {
  return turns.flatMap(({ seq, at, object, before, after }) => {
    if (before === null || after === null || after.controller !== undefined || !isWorkload({ is: 'object', object, seen: true })) return []; // prettier-ignore
    const [was, is] = [versionOf(before), versionOf(after)];
    if (was === is) return [];
    const place = now.places.get(idOf(object));
    return [{ seq, at, title: titleOf(object), text: `${object.name} ${was} → ${is}`, application: place === undefined ? '' : (now.applicationOf[place] ?? '') }]; // prettier-ignore
  });
}

function versionOf({ labels = {}, podLabels = {}, references = [] }: NonNullable<ObjectTurn['after']>): string {
  const label = labels[VERSION] ?? podLabels[VERSION] ?? '';
  const images = references.flatMap(({ target }) => (target.to === 'image' ? [target.name.split('/').at(-1)?.split(':')[1] ?? ''] : [])); // prettier-ignore
  const image = images[0] ?? '';
  return label === '' || label === image || image === '' ? label || image : `${label} (image ${image})`;
}
