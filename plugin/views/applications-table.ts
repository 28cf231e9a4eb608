import type { Application, Member } from '../../shared/landscape/applications.ts';
import { mainImage } from '../../shared/landscape/version-tuple.ts';
import type { ApplicationPage, ObjectRef } from '../../shared/types.ts';
import { widest } from './fit.ts';
import { objectName, objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { GAP, tableLines } from './table.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';

/** `shop/report`: where an object is, for lists. */
export function objectPlace({ namespace, name }: ObjectRef): string {
  return printable(`${namespace}/${name}`);
}

const MIN_LAST = 12;
const MAX_CELL = 30;

/** Rows of which the last cell takes what is left of the terminal. */
function fitted(heads: readonly string[], rows: readonly (readonly string[])[], style: Style): string[] {
  const { columns, ellipsis } = style;
  if (columns === null) return tableLines(heads, rows, style);
  const short = rows.map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : shortenMiddle(cell, MAX_CELL, ellipsis)))); // prettier-ignore
  const used = heads
    .slice(0, -1)
    .reduce((sum, _, column) => sum + GAP + widest([heads, ...short].map((row) => widthOf(row[column] ?? ''))), 0);
  const room = Math.max(MIN_LAST, columns - used);
  return tableLines(heads, short.map((row) => [...row.slice(0, -1), shortenEnd(row.at(-1) ?? '', room, ellipsis)]), style); // prettier-ignore
}

function words(values: readonly string[]): string {
  return values.length === 0 ? '-' : values.map((value) => printable(value)).join(' ');
}

/** `24.2 24.3 (mixed)`; `1.0 (tag)` where only images tell it. */
function releaseText({ releases, releasesFrom }: Pick<Application, 'releases' | 'releasesFrom'>): string {
  if (releases.length === 0) return '-';
  const notes = [...(releases.length > 1 ? ['mixed'] : []), ...(releasesFrom === 'tag' ? ['tag'] : [])];
  return words(releases) + (notes.length === 0 ? '' : ` (${notes.join(', ')})`);
}

/** One application a line. */
export function applicationsTable(applications: ApplicationPage['applications'], style: Style): string[] {
  const rows = applications.map((each) => [printable(each.name), words(each.teams), releaseText(each), words(each.exposed)]); // prettier-ignore
  return fitted(['APP', 'TEAMS', 'RELEASE', 'EXPOSED'], rows, style);
}

/** What belongs to an application, one object a line, and by which evidence. */
export function membersTable(members: readonly Member[], style: Style): string[] {
  const several = new Set(members.map(({ object }) => object.namespace)).size > 1;
  const heads = [...(several ? ['NAMESPACE'] : []), 'OBJECT', 'TEAM', 'VERSION', 'BECAUSE'];
  const rows = members.map(({ object, team, version, contradiction, application }) => {
    const tag = version === undefined ? '' : (mainImage(version, object.name)?.tag ?? '');
    const label = version?.version ?? '';
    const shown = label === '' ? tag : contradiction === undefined ? label : `${label} != ${tag}`;
    return [
      ...(several ? [printable(object.namespace)] : []),
      objectName(object, style),
      printable(team?.value ?? '-'),
      printable(shown === '' ? '-' : shown),
      becauseText(application, style),
    ];
  });
  return fitted(heads, rows, style);
}

const TOOLS: Record<number, string> = { 2: 'Argo CD', 3: 'Flux', 4: 'Helm' };

/** On a terminal `Argo CD tracking-id`, `label part-of`: without the domain of a key. */
function becauseText({ by, tier }: Member['application'], { columns }: Style): string {
  if (columns === null) return printable(by);
  const short = by.replace(/(?<=(?:label|annotation) )\S*\//, '');
  const tool = TOOLS[tier];
  return printable(tool === undefined ? short : short.replace(/^(?:label|annotation)/, tool));
}

/** What disagrees within an application, in sentences. */
export function conflictLines({ name, members }: Application, style: Style): string[] {
  return members.flatMap(({ object, application, team, contradiction }) => {
    const title = objectTitle(object, style);
    const others = application.conflicts.map(({ by, value }) => `${title}: ${by} says ${value}, not ${name}`);
    const teams = application.by.startsWith('owner ') ? [] : (team?.conflicts ?? []);
    return [
      ...others,
      ...teams.map(({ by, value }) => `${title}: ${by} says team ${value}, not ${team?.value ?? ''}`),
      ...(contradiction === undefined ? [] : [`${title}: the label says ${contradiction.label}, the image is ${contradiction.tag}`]), // prettier-ignore
    ].map((line) => printable(line));
  });
}
