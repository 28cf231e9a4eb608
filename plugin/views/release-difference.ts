import type {
  ApplicationDifference,
  EdgeDifference,
  ObjectDifference,
  PermissionDifference,
} from '../../shared/landscape/release-difference.ts';
import type { ReleaseInterval, WorkloadReleases } from '../../shared/landscape/releases.ts';
import type { GraphNode } from '../../shared/landscape/types.ts';
import { objectName, objectTitle } from './object-name.ts';
import { versionText } from './releases-table.ts';
import type { Style } from './style.ts';
import { tableLines } from './table.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { isMachine } from './user.ts';
import { userTexts } from './who.ts';
import { deltaLine } from './words.ts';

/** What held of a workload at a moment (ms), whichever object of its name it was; null where there was none. */
export function intervalAt(intervals: readonly ReleaseInterval[], at: number): ReleaseInterval | null {
  return intervals.findLast(({ from, to }) => from <= at && (to === null || at < to)) ?? null;
}

/** A workload that was made again is the same one here. */
export function byName(workloads: readonly WorkloadReleases[]): WorkloadReleases[] {
  const found = new Map<string, WorkloadReleases>();
  for (const { object, intervals } of workloads) {
    const key = JSON.stringify([object.group, object.kind, object.namespace, object.name]);
    found.set(key, { object, intervals: [...(found.get(key)?.intervals ?? []), ...intervals].sort((a, b) => a.from - b.from) }); // prettier-ignore
  }
  return [...found.values()];
}

const MAX_VERSION = 27;
const MAX_NAME = 24;

/** The version of each workload at both moments. */
export function componentsTable(
  { from, to, workloads }: { from: number; to: number; workloads: readonly WorkloadReleases[] },
  style: Style,
): string[] {
  const rows = byName(workloads).flatMap(({ object, intervals }) => {
    const [before, after] = [intervalAt(intervals, from), intervalAt(intervals, to)];
    if (before === null && after === null) return [];
    const text = (interval: ReleaseInterval | null): string =>
      interval === null ? '-' : versionText(interval.version, object.name, interval.contradiction !== null, style);
    const [first, second] = [text(before), text(after)];
    const cells = [objectName(object, style), first, first === second ? 'the same' : second];
    if (style.columns === null) return [cells];
    return [cells.map((cell, index) => shortenMiddle(cell, index === 0 ? MAX_NAME : MAX_VERSION, style.ellipsis))];
  });
  return rows.length === 0 ? [] : tableLines(['WORKLOAD', 'BEFORE', 'AFTER'], rows, style);
}

/** Fields, edges, exposure and permissions that differ, and who changed them. */
export function differenceLines(
  { objects, scaled, edges, exposed, permissions }: ApplicationDifference,
  style: Style,
): string[] {
  const { chalk } = style;
  const hosts = [
    ...exposed.gained.map((host) => chalk.green(`+ exposed as ${printable(host)}`)),
    ...exposed.lost.map((host) => chalk.red(`- exposed as ${printable(host)}`)),
  ];
  return [
    ...objects.flatMap((each) => objectLines(each, '', style)),
    ...scaled.flatMap((each) => objectLines(each, 'by an autoscaler', style)),
    ...edges.filter(({ relation }) => relation !== 'exposes').map((edge) => edgeLine(edge, style)),
    ...hosts,
    ...permissions.map((permission) => permissionLine(permission, style)),
  ];
}

const MIN_USERS = 12;

function objectLines(
  { object, what, deltas, users, disputed = [] }: ObjectDifference,
  more: string,
  style: Style,
): string[] {
  const { chalk, dot, columns } = style;
  const paint = what === 'created' ? chalk.green : what === 'deleted' ? chalk.red : (text: string): string => text;
  const named = [objectTitle(object, style), what, ...(more === '' ? [] : [more])];
  // People first: a line may have no room for all.
  const sorted = [...users].sort((a, b) => Number(isMachine(a)) - Number(isMachine(b)));
  const all = userTexts(sorted, disputed, style);
  const room = columns === null ? null : Math.max(MIN_USERS, columns - widthOf(named.join(` ${dot} `)) - 3);
  const who = all === '' ? [] : [chalk.cyan(room === null ? all : shortenEnd(all, room, style.ellipsis))];
  const title = [chalk.bold(named[0] ?? ''), paint(what), ...named.slice(2), ...who];
  const width = columns === null ? null : columns - 2;
  return [title.join(` ${dot} `), ...deltas.map((delta) => `  ${deltaLine(delta, width, style)}`)];
}

function edgeLine({ kind, relation, from, to }: EdgeDifference, style: Style): string {
  const text = `${nodeName(from, style)} ${relation} ${nodeName(to, style)}`;
  return kind === 'gained' ? style.chalk.green(`+ ${text}`) : style.chalk.red(`- ${text}`);
}

/** `+ serviceaccount/web may what clusterrole/view allows (rolebinding/web-view)`. */
function permissionLine({ kind, account, role, binding }: PermissionDifference, style: Style): string {
  const [who, what, by] = [account, role, binding].map((object) => objectName(object, style));
  const text = `${who} may what ${what} allows (${by})`;
  return kind === 'gained' ? style.chalk.green(`+ ${text}`) : style.chalk.red(`- ${text}`);
}

function nodeName(node: GraphNode, style: Style): string {
  return node.is === 'object' ? objectName(node.object, style) : printable(`${node.is} ${node.name}`);
}
