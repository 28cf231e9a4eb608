import { isOpen, type Decider, type Fate, type ManualChange, type ManualField, type ManualTotals } from '../../shared/origins/manual.ts'; // prettier-ignore
import { qualifiedName } from '../../shared/resource-types.ts';
import { formatAge, formatUtc } from '../../shared/time.ts';
import type { Json, JsonObject } from '../../shared/types.ts';
import { csvRows } from './csv.ts';
import { widest } from './fit.ts';
import { list } from './json.ts';
import { objectTitle } from './object-name.ts';
import { MARKS } from './operation.ts';
import type { Style } from './style.ts';
import { padEnd, printable, shortenMiddle, widthOf } from './text.ts';
import { timeFormat } from './times.ts';
import { briefText } from './value.ts';
import { changeWho, fromOrigin, paintWho, userText } from './who.ts';
import { deltaLine } from './words.ts';

const INDENT = 2;
const GAP = 2;
const MIN_DELTA = 24;

/** Changes by hand: of each a line with who and what, and beneath it each thing that was set, with what became of it. */
export function manualLines(changes: readonly ManualChange[], style: Style): string[] {
  if (style.columns === null) return pipedLines(changes, style);
  const { chalk, columns, ellipsis } = style;
  const time = timeFormat(changes.map(({ at }) => at), style); // prettier-ignore
  const id = widest(changes.map(({ seq }) => String(seq).length));
  const times = widest(changes.map(({ at }) => widthOf(time(at))));
  const users = widest(changes.map(({ actor }) => widthOf(userText(actor.username, style))));
  const lines: string[] = [];
  for (const change of changes) {
    const { seq, at, actor } = change;
    const who = padEnd(userText(actor.username, style), Math.min(users, MAX_USER));
    const start = [
      chalk.yellow(String(seq).padStart(id)),
      padEnd(time(at), times),
      paintWho(shortenMiddle(who, MAX_USER, ellipsis), actor, style),
    ];
    const used = id + times + Math.min(users, MAX_USER) + 3 * GAP;
    const room = Math.max(MIN_DELTA, columns - used);
    const [title, manager] = [titleOf(change, style), managerText(change)];
    // A name is not cut for the tool's: that has room on the next lines.
    const beside = change.managedBy === null ? '' : ` ${style.dot} ${manager}`;
    const fits = widthOf(title + beside) <= room;
    lines.push([...start, shortenMiddle(fits ? title + beside : title, room, ellipsis)].join(' '.repeat(GAP)));
    const told = fits || change.managedBy === null ? '' : `${manager}: `;
    const lead = change.switched === null || change.switched === 'deleted' ? told : `${change.switched}: `;
    for (const field of change.fields) lines.push(...fieldLines(field, change, lead, id + GAP, columns, style));
  }
  return lines;
}

const MAX_USER = 24;

/** `deployment storefront/web`, `deleted httproute storefront/api?`. */
function titleOf({ object, effect, outcome }: ManualChange, style: Style): string {
  const name = objectTitle(object, style) + MARKS[outcome];
  return effect === 'deleted' ? `deleted ${name}` : name;
}

/** What became of one thing, and what it was; on two lines where one is too short. */
function fieldLines(
  field: ManualField,
  change: ManualChange,
  lead: string,
  indent: number,
  columns: number,
  style: Style,
): string[] {
  // prettier-ignore
  const { chalk } = style;
  const { fate } = field;
  const texts = [true, false].map((whole) => lead + fateWords(field, change, style, whole));
  const fits = texts.find((text) => widthOf(text) <= columns - indent) ?? texts.at(-1) ?? '';
  const fateText = shortenMiddle(fits, columns - indent, style.ellipsis);
  const open = fate === 'open' ? chalk.yellow : chalk.green;
  const painted = fate === 'open' || fate === 'taken back' || fate === 'undone' ? open(fateText) : chalk.dim(fateText);
  const start = ' '.repeat(indent);
  if (field.path === '' || change.switched !== null) return [start + painted];
  const beside = columns - indent - widthOf(fateText) - GAP;
  const whole = deltaLine(field, null, style);
  if (widthOf(whole) <= beside) return [start + painted + ' '.repeat(GAP) + deltaLine(field, beside, style)];
  const below = columns - indent - INDENT;
  return [start + painted, start + ' '.repeat(INDENT) + deltaLine(field, below, style)];
}

/** `taken back 5s later by argocd @ 4f1c9a7 (657)`, `still different`. */
function fateWords({ fate, by }: ManualField, change: ManualChange, style: Style, whole = true): string {
  const word = change.effect === 'deleted' ? DELETED[fate] : change.switched !== null && fate === 'open' ? 'still off' : WORDS[fate]; // prettier-ignore
  if (by === null) return word;
  const later = `${formatAge(by.at - change.at)} later`;
  return `${word} ${later} by ${deciderText(by, style, whole)} (${by.seq})`;
}

const WORDS: Readonly<Record<Fate, string>> = {
  open: 'still different',
  'taken back': 'taken back',
  undone: 'undone',
  replaced: 'set anew',
  adopted: 'Git says the same now: delivered',
  'not set by the tool': 'stays: the tool does not set it',
  autoscaled: 'an autoscaler sets it',
  gone: 'object deleted',
};

const DELETED: Readonly<Record<Fate, string>> = {
  ...WORDS,
  open: 'still missing',
  'taken back': 'made again',
  undone: 'made again',
};

/** `whole`: with the revision, and who started it. */
function deciderText({ actor, origin }: Decider, style: Style, whole: boolean): string {
  const who = changeWho({ actor, source: 'admission', cause: null, managersHint: [] }, style);
  return origin === undefined || !whole ? who : who + fromOrigin(origin, style);
}

const HEADS = 'ID TIME USER OBJECT MANAGED-BY FIELD CHANGE BECAME'.split(' ');

/** Separated by tabs, a line for each thing that was set. */
function pipedLines(changes: readonly ManualChange[], style: Style): string[] {
  const rows = changes.flatMap((change) =>
    change.fields.map((field) => [
      String(change.seq),
      formatUtc(change.at),
      printable(change.actor.username),
      objectTitle(change.object, style),
      managerText(change),
      printable(field.path) || '-',
      change.switched ?? (change.effect === 'deleted' ? 'deleted' : valuesText(field, style)),
      fateWords(field, change, style),
    ]),
  );
  return [...(style.headers ? [HEADS] : []), ...rows].map((row) => row.join('\t'));
}

function managerText({ managedBy }: ManualChange): string {
  return managedBy === null ? '-' : printable(`${managedBy.tool} ${managedBy.application}`);
}

function valuesText({ before, after }: ManualField, { arrow }: Style): string {
  const text = (value: Json | undefined): string => (value === undefined ? '-' : briefText(value));
  return `${text(before)} ${arrow} ${text(after)}`;
}

/** The same for spreadsheets; nothing is shortened. */
export function manualCsv(changes: readonly ManualChange[]): string {
  const heads = 'id,time,user,resource,namespace,name,managed_by,application,field,before,after,became,by_id,by_time,by_user'; // prettier-ignore
  const value = (json: Json | undefined): string => (json === undefined ? '' : JSON.stringify(json));
  const rows = changes.flatMap(({ seq, at, actor, object, managedBy, switched, effect, fields }) =>
    fields.map(({ path, before, after, fate, by }) => [
      ...[String(seq), formatUtc(at), actor.username, qualifiedName(object), object.namespace, object.name],
      ...[managedBy?.tool ?? '', managedBy?.application ?? ''],
      ...[switched ?? (effect === 'deleted' ? 'deleted' : path), value(before), value(after), fate],
      ...[by === null ? '' : String(by.seq), by === null ? '' : formatUtc(by.at), by?.actor?.username ?? ''],
    ]),
  );
  return csvRows([heads.split(','), ...rows]);
}

/** The same as a document, with what all changes of the time add up to. */
export function manualDocument(changes: readonly ManualChange[], totals: ManualTotals): JsonObject {
  const items = changes.map(({ at, fields, ...rest }): Json => {
    const told = fields.map(({ by, ...field }) => ({ ...field, by: by === null ? null : { ...by, at: formatUtc(by.at) } })); // prettier-ignore
    return { ...(rest as unknown as JsonObject), at: formatUtc(at), open: isOpen({ ...rest, at, fields }), fields: told as unknown as Json }; // prettier-ignore
  });
  return { ...list('ManualChangeList', items), totals: { ...totals } };
}

/** `734 changes: 13 by hand, 43 by people elsewhere, 57 by delivery tools, ...`: what all changes of the time add up to. */
export function totalsText(totals: ManualTotals): string {
  const { changes, byHand, unmanaged, byTools, byAutoscalers, byRobots, unknown } = totals;
  const parts: [number, string][] = [
    [byHand, 'by hand'],
    [unmanaged, 'by people to what no tool manages'],
    [byTools, 'by delivery tools'],
    [byAutoscalers, 'by autoscalers'],
    [byRobots, 'by controllers and other robots'],
    [unknown, 'by unknown'],
  ];
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `${changes} ${changes === 1 ? 'change' : 'changes'}${told.length === 0 ? '' : `: ${told.join(', ')}`}`;
}
