import type { ReleaseInterval, WorkloadReleases } from '../../shared/landscape/releases.ts';
import { mainImage, type VersionTuple } from '../../shared/landscape/version-tuple.ts';
import { widest } from './fit.ts';
import { objectName, objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenMiddle, widthOf } from './text.ts';
import { spanText, timeFormat } from './times.ts';
import { changeWho, paintWho } from './who.ts';

const MAX_NAME = 20;
const MAX_TAG = 13;
const REVISION = 7;

/** Which version each workload had, since when, and who brought it. `open`: what has no end goes on now. */
export function releasesTable(workloads: readonly WorkloadReleases[], open: boolean, style: Style): string[] {
  const { columns, ellipsis } = style;
  const all = workloads.flatMap(({ intervals }) => intervals);
  const times = all.flatMap(({ from, to }) => (to === null ? [from] : [from, to]));
  const time = timeFormat(times, { ...style, now: null });
  const several = new Set(workloads.map(({ object }) => object.namespace)).size > 1;
  const rows = workloads.flatMap(({ object, intervals }) =>
    intervals.map((interval) => {
      const { from, to, version, contradiction } = interval;
      const tag = tagText(version, object.name, style);
      return {
        cells: [
          ...(several ? [printable(object.namespace)] : []),
          columns === null ? objectName(object, style) : shortenMiddle(objectName(object, style), MAX_NAME, ellipsis),
          time(from),
          to !== null ? time(to) : open ? 'now' : '-',
          printable(version.version ?? '-'),
          contradiction === null ? tag : `${tag} !`,
          deliveredText(version, style),
        ],
        interval,
      };
    }),
  );
  const heads = [...(several ? ['NAMESPACE'] : []), 'WORKLOAD', 'FROM', 'TO', 'LABEL', 'IMAGE', 'BY'];
  // A column that says nothing costs room.
  const kept = heads.map((head, index) => (head !== 'BY' && head !== 'LABEL') || rows.some(({ cells }) => cells[index] !== '-')); // prettier-ignore
  const names = [...heads.filter((_, index) => kept[index]), 'WHO'];
  const cells = rows.map((row) => row.cells.filter((_, index) => kept[index]));
  const used = names.slice(0, -1).reduce((sum, _, column) => sum + GAP + widest([names, ...cells].map((row) => widthOf(row[column] ?? ''))), 0); // prettier-ignore
  const room = columns === null ? Number.POSITIVE_INFINITY : Math.max(8, columns - used);
  return tableLines(names, rows.map(({ interval }, index) => [...(cells[index] ?? []), whoCell(interval, room, style)]), style); // prettier-ignore
}

function whoCell({ by }: ReleaseInterval, room: number, style: Style): string {
  if (by === null) return '-';
  const who = changeWho(by, style);
  return paintWho(Number.isFinite(room) ? shortenMiddle(who, room, style.ellipsis) : who, by.actor, style);
}

function tagText(version: VersionTuple, name: string, { columns, ellipsis }: Style): string {
  const main = mainImage(version, name);
  const text = printable(main === null ? '-' : main.tag || main.digest || 'latest');
  return columns === null ? text : shortenMiddle(text, MAX_TAG, ellipsis);
}

/** `checkout-1.5.0 #2`, `9be27d1`: the chart (on a terminal its version), the revision of Helm, of Argo CD or Flux. */
function deliveredText({ chart, helmRevision, revision }: VersionTuple, { columns }: Style): string {
  const short = (text: string): string => (columns === null ? text : text.replace(/^.*[:@]/, '').slice(0, REVISION));
  const parts = [
    ...(chart === undefined ? [] : [columns === null ? chart : chart.replace(/^.*?-(?=v?\d)/, '')]),
    ...(helmRevision === undefined ? [] : [`#${helmRevision}`]),
    ...(revision === undefined ? [] : [short(revision)]),
  ];
  return parts.length === 0 ? '-' : printable(parts.join(' '));
}

/** A version as one text: `24.3 (image 24.2.1)`; the label alone where the image agrees. */
export function versionText(version: VersionTuple, name: string, contradicted: boolean, style: Style): string {
  const tag = tagText(version, name, style);
  const delivered = deliveredText(version, style);
  const text = version.version === undefined ? tag : contradicted ? `${version.version} (image ${tag})` : version.version; // prettier-ignore
  return printable(text) + (delivered === '-' ? '' : ` ${delivered}`);
}

/** Where label and image disagreed, and from when to when. */
export function contradictionLines(workloads: readonly WorkloadReleases[], style: Style): string[] {
  return workloads.flatMap(({ object, intervals }) =>
    merged(intervals).map(({ from, to, label, tag }) => {
      const when = to === null ? `since ${spanText(from, from, style)}` : spanText(from, to, style);
      return printable(`${objectTitle(object, style)} is labelled ${label}, but its image is ${tag}: ${when}`);
    }),
  );
}

/** The same contradiction over intervals that follow one another. */
function merged(
  intervals: readonly ReleaseInterval[],
): { from: number; to: number | null; label: string; tag: string }[] {
  const found: { from: number; to: number | null; label: string; tag: string }[] = [];
  for (const { from, to, contradiction } of intervals) {
    if (contradiction === null) continue;
    const last = found.at(-1);
    if (last !== undefined && last.to === from && last.label === contradiction.label && last.tag === contradiction.tag)
      last.to = to;
    else found.push({ from, to, ...contradiction });
  }
  return found;
}
