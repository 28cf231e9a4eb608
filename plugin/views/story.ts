import { firstSeq, startOf, type Act } from '../../shared/acts/acts.ts';
import { withoutReportedEnds } from '../../shared/acts/compact.ts';
import type { EventGroup } from '../../shared/events/after.ts';
import { treeOf, type Branch } from '../../shared/acts/consequences.ts';
import { dayName, formatLocal, formatUtc } from '../../shared/time.ts';
import type { Change, CoverageInterval, Origin } from '../../shared/types.ts';
import { branchText, deedText } from './deed.ts';
import { eventRow } from './event-text.ts';
import { widest } from './fit.ts';
import type { Style } from './style.ts';
import { deliveredText } from './origin.ts';
import { padEnd, printable, shortenEnd, shortenMiddle, widthOf, wrapWords } from './text.ts';
import { momentText } from './times.ts';
import { disputedMark, fromOrigin, originOf, paintWho, userText, whoText } from './who.ts';

export interface StoryOptions {
  /** What the head lines name: `shop`, `the cluster`. */
  title: string;
  /** True where all is in one namespace, which the heads name. */
  namespaced: boolean;
  /** Of which acts also each consequence is told. */
  expand: (act: Act) => boolean;
  /** Whole values, on lines as long as they are. */
  whole: boolean;
  reverse: boolean;
  /** Told between the acts. */
  events?: readonly EventGroup[];
}

/** A time in which nothing was recorded, and how many changes were found afterwards. */
export interface Gap {
  from: number;
  /** null: until now. */
  to: number | null;
  cause: string;
  found: number;
}

/** On a narrower terminal times have no seconds. */
const WIDE = 100;
const MAX_USER = 26;
const MAX_USER_NARROW = 18;
const MIN_USER = 13;
/** On a narrower terminal the names of robots are cut to the width of people's. */
const ROBOTS_WIDE = 120;
const GAP = 2;
const INDENT = 2;

type Row = { at: number; act: Act } | { at: number; gap: Gap } | { at: number; events: EventGroup };

/** The gaps of a period (ms) that lie in it, with what was found after each. */
export function gapsIn(coverage: readonly CoverageInterval[], from: number, to: number, acts: readonly Act[]): Gap[] {
  const changes = acts.flatMap((act) => [...act.changes, ...act.consequences]);
  return coverage
    .filter((interval) => !interval.covered && interval.from <= to && (interval.to ?? to) >= from)
    .map(({ from: began, to: ended, cause }) => ({
      ...{ from: began, to: ended, cause },
      found: changes.filter(({ gap, at, notBefore }) => gap !== '' && notBefore <= (ended ?? to) && at >= began).length,
    }));
}

/** One line for each act, the newest first, under a head line for each day; gaps in recording stand in their place. */
export function storyLines(acts: readonly Act[], gaps: readonly Gap[], options: StoryOptions, style: Style): string[] {
  const rows = rowsOf(acts, gaps, options);
  if (style.columns === null) return pipedLines(rows, options, style);
  return terminalRows(rows, options, style, style.columns).map(({ line }) => line);
}

/** A line on a terminal, and which act or change it tells of; neither, where it is a head or a gap. */
export interface StoryRow {
  line: string;
  act?: Act;
  /** What followed from the act. */
  change?: Change;
  /** The day, where the line is its head. */
  day?: string;
}

/** The lines of the story on a terminal of some columns, each with what it tells of. */
export function storyRows(
  acts: readonly Act[],
  gaps: readonly Gap[],
  options: StoryOptions,
  style: Style,
  columns: number,
): StoryRow[] {
  return terminalRows(rowsOf(acts, gaps, options), options, style, columns);
}

function rowsOf(acts: readonly Act[], gaps: readonly Gap[], { reverse, events = [] }: StoryOptions): Row[] {
  const rows: Row[] = [
    ...events.map((group) => ({ at: placeOf(group), events: group })),
    ...acts.map((act) => ({ at: startOf(act), act })),
    ...gaps.map((gap) => ({ at: gap.to ?? Infinity, gap })),
  ].sort((a, b) => b.at - a.at);
  return reverse ? rows.reverse() : rows;
}

/** Most Events tell seconds alone: what came after an act stands behind it. */
function placeOf({ at, act }: EventGroup): number {
  return act === null ? at : Math.max(at, startOf(act) + 1);
}

/** Separated by tabs: what follows is the same for whoever acts, and no value holds a tab. */
function pipedLines(rows: readonly Row[], options: StoryOptions, style: Style): string[] {
  const lines = style.headers ? [['ID', 'TIME', 'USER', 'WHAT'].join('\t')] : [];
  for (const row of rows) {
    if ('gap' in row) {
      lines.push(['-', formatUtc(row.gap.from), '-', gapText(row.gap, style)].join('\t'));
      continue;
    }
    const { namespaced, whole } = options;
    if ('events' in row) {
      const { reporter, text, after } = eventRow(row.events, namespaced, null, style);
      lines.push(['-', formatUtc(row.events.at), reporter, `${text}${after === '' ? '' : `  (${after})`}`].join('\t'));
      continue;
    }
    const { act } = row;
    const what = deedText(act, { width: null, namespaced, whole }, style);
    lines.push([String(firstSeq(act)), formatUtc(row.at), whoOf(act, style), what].join('\t'));
    if (!options.expand(act)) continue;
    for (const { change, depth } of expanded(act)) {
      const who = whoText(change.actor, style);
      const text = `${'  '.repeat(depth)}${branchText(change, options.namespaced, null, style)}`;
      lines.push([String(change.seq), formatUtc(change.at), who, text].join('\t'));
    }
  }
  return lines;
}

function terminalRows(rows: readonly Row[], options: StoryOptions, style: Style, columns: number): StoryRow[] {
  const { chalk } = style;
  const acts = rows.flatMap((row) => ('act' in row ? [row.act] : []));
  const all = acts.flatMap((act) => [act.changes[0], ...(options.expand(act) ? expanded(act).map(({ change }) => change) : [])]); // prettier-ignore
  const id = widest(all.map((change) => String(change?.seq ?? '').length));
  const time = timeWriter(columns >= WIDE, style);
  const timeWidth = widthOf(time(acts[0] === undefined ? 0 : startOf(acts[0])));
  const names = userNames(acts, columns, style);
  const people = acts.filter(({ kind }) => kind === 'person');
  const users = widest((people.length > 0 && columns < ROBOTS_WIDE ? people : acts).map((act) => widthOf(names(act))));
  const most = columns < WIDE ? MAX_USER_NARROW : MAX_USER;
  // Only robots' names are long enough to need it.
  const least = people.length < acts.length ? MIN_USER : 0;
  const user = Math.min(Math.max(users, least), most);
  const used = id + GAP + timeWidth + GAP + user + GAP;
  const width = options.whole ? null : columns - used;
  const lines: StoryRow[] = [];
  let day = '';
  for (const row of rows) {
    if ('gap' in row && row.gap.to === null) {
      lines.push(...wrapWords(`(${gapText(row.gap, style)})`, columns).map((line) => ({ line: chalk.yellow(line) })));
      continue;
    }
    const { at } = row;
    const today = dayName(at, style.timeZone, style.now ?? at);
    if (style.headers && today !== day) {
      if (day !== '') lines.push({ line: '' });
      lines.push({ line: `${chalk.bold(today)} ${chalk.dim(`${style.dot} ${options.title}`)}`, day: today });
      day = today;
    }
    if ('gap' in row) {
      const text = `(${gapText(row.gap, style)})`;
      const start = ' '.repeat(id + GAP) + padEnd(time(at), timeWidth) + ' '.repeat(GAP);
      lines.push({ line: chalk.yellow(shortenEnd(start + text, columns, style.ellipsis)) });
      continue;
    }
    if ('events' in row) {
      const { reporter, text } = eventRow(row.events, options.namespaced, width, style);
      const name = shortenMiddle(reporter, user, style.ellipsis);
      const cells = [' '.repeat(id), chalk.dim(time(row.events.at)), padEnd(chalk.dim(name), user), text];
      lines.push({ line: cells.join(' '.repeat(GAP)) });
      continue;
    }
    const { act } = row;
    const who = (act.kind === 'person' ? shortenMiddle : shortenEnd)(names(act, user), user, style.ellipsis);
    const painted = act.kind === 'person' ? paintWho(who, act.actor, style) : chalk.dim(who);
    const line = [
      chalk.yellow(String(firstSeq(act)).padStart(id)),
      act.kind === 'person' ? time(at) : chalk.dim(time(at)),
      painted + ' '.repeat(Math.max(0, user - widthOf(who))),
      deedText(act, { width, namespaced: options.namespaced, whole: options.whole }, style),
    ].join(' '.repeat(GAP));
    lines.push({ line, act });
    if (!options.expand(act)) continue;
    for (const branch of expanded(act)) lines.push({ act, change: branch.change, line: branchLine(branch, { id, time, timeWidth, columns }, options, style) }); // prettier-ignore
  }
  return lines;
}

interface Columns {
  id: number;
  time: (at: number) => string;
  timeWidth: number;
  columns: number;
}

function branchLine(
  { change, depth }: Expanded,
  { id, time, timeWidth, columns }: Columns,
  { namespaced }: StoryOptions,
  style: Style,
): string {
  const { chalk } = style;
  const start = [chalk.yellow(String(change.seq).padStart(id)), padEnd(chalk.dim(time(change.at)), timeWidth)];
  const lead = `${' '.repeat(INDENT * (depth - 1))}${style.arrow} `;
  const by = `  ${whoText(change.actor, style)}`;
  const room = columns - id - timeWidth - 2 * GAP - widthOf(lead);
  const text = branchText(change, namespaced, null, style);
  const shown = widthOf(text) + widthOf(by) <= room ? text + chalk.dim(by) : shortenMiddle(text, room, style.ellipsis);
  return [...start, lead + shown].join(' '.repeat(GAP));
}

/** What followed from an act, without the act: for one that is told already. */
export function consequenceLines(act: Act, style: Style): string[] {
  const { chalk } = style;
  return expanded({ ...act, changes: act.changes.slice(0, 1) }).map(({ change, depth }) => {
    const text = branchText(change, false, null, style);
    const line = `${' '.repeat(INDENT * (depth - 1))}${style.arrow} ${text}  ${whoText(change.actor, style)}`;
    const id = chalk.yellow(String(change.seq));
    return style.columns === null ? `${id} ${line}` : `${id} ${shortenEnd(line, style.columns - INDENT - 1 - String(change.seq).length, style.ellipsis)}`; // prettier-ignore
  });
}

interface Expanded {
  change: Change;
  /** 1 for what follows from the act itself. */
  depth: number;
}

/** The changes of an act but its first, where there are several, and its consequences, each under what it follows from. */
export function expanded(whole: Act): Expanded[] {
  const kept = new Map(withoutReportedEnds([...whole.changes, ...whole.consequences]).map((change) => [change.seq, change])); // prettier-ignore
  const known = (changes: readonly Change[]): Change[] => changes.flatMap(({ seq }) => kept.get(seq) ?? []);
  const act = { ...whole, changes: known(whole.changes), consequences: known(whole.consequences) };
  const own = act.changes.slice(act.changes.length > 1 ? 0 : 1).map((change) => ({ change, depth: 1 }));
  const flat = (branches: readonly Branch[], depth: number): Expanded[] =>
    branches.flatMap(({ change, branches: inner }) => [{ change, depth }, ...flat(inner, depth + 1)]);
  return [...own, ...flat(treeOf(act), own.length > 0 ? 2 : 1)];
}

/** On a narrow terminal `alice@…`, where all that act are of one domain: it tells nothing. */
function userNames(acts: readonly Act[], columns: number, style: Style): (act: Act, room?: number) => string {
  const domains = new Set(acts.flatMap(({ actor }) => /^[^@:]+(@.+)$/.exec(actor?.username ?? '')?.[1] ?? []));
  const [domain = ''] = domains;
  if (columns >= WIDE || domains.size !== 1) return (act, room) => whoOf(act, style, room);
  return (act, room) => whoOf(act, style, room).replaceAll(domain, `@${style.ellipsis}`);
}

/** `05:08`; with seconds where there is room; with the date where no head line has it. */
function timeWriter(seconds: boolean, style: Style): (at: number) => string {
  return (at) => {
    const text = formatLocal(at, style.timeZone);
    if (!style.headers) return text;
    return seconds ? text.slice(11) : text.slice(11, 16);
  };
}

/** Who acted, in about `room` columns: a name, or what is known of nobody. Who acted for somebody further back says for whom. */
function whoOf(act: Act, style: Style, room = Infinity): string {
  const { actor, changes, kind, behind } = act;
  const [first] = changes;
  if (actor === null) return first?.source === 'baseline' ? '-' : 'unknown';
  const isKubelet = kind === 'robot' && !actor.username.startsWith('system:');
  // Of several changes of one act only some may be disputed.
  const disputed = changes.find((change) => change.actor?.disputed === true)?.actor ?? actor;
  const name = isKubelet ? 'kubelet' : userText(actor.username, style) + disputedMark(disputed);
  const origin = originOf(changes.find((change) => (change.origin?.sources.length ?? 0) > 0) ?? first ?? {});
  const nothing = { sources: [], helmRevision: null };
  // What was asked for stands beside the verb.
  const whole = origin === null || act.verb === 'synced' ? '' : fromOrigin(origin, style);
  const starter = origin === null ? '' : fromOrigin({ ...origin, ...nothing }, style);
  // Who started it says more than what it delivered.
  const from = whole !== '' && widthOf(name + whole) <= room ? linked(whole, origin, style) : starter;
  if (behind?.actor == null) return name + from;
  return `${name} ${style.from} ${whoText(behind.actor, style)}${from}`;
}

/** What was delivered leads to where it can be looked at, where a rule tells. */
function linked(text: string, origin: Origin | null, style: Style): string {
  const delivered = origin === null ? '' : deliveredText(origin, style);
  return delivered === '' ? text : text.replace(delivered, () => style.link(delivered, origin?.sources[0]?.url));
}

/** `gap 04:51 to 04:58: the server was down; 2 changes found afterwards`. */
function gapText({ from, to, cause, found }: Gap, style: Style): string {
  const write = (at: number): string =>
    style.columns === null ? formatUtc(at) : formatLocal(at, style.timeZone).slice(11);
  if (to === null) return `not recorded since ${style.columns === null ? write(from) : momentText(from, style)}: ${printable(cause)}`; // prettier-ignore
  const until = `${write(from)} to ${write(to)}`;
  const after = found === 0 ? '' : `; ${found} ${found === 1 ? 'change' : 'changes'} found afterwards`;
  return `gap ${until}: ${printable(cause)}${after}`;
}
