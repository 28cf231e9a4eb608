import { BUILT_IN_TYPES } from '../../shared/built-in-types.ts';
import { ownDeltas, verbOf } from '../../shared/acts/verb.ts';
import type { Act } from '../../shared/acts/acts.ts';
import { countsOf, type Count } from '../../shared/acts/consequences.ts';
import type { Change, Delta, ObjectRef, ResourceType } from '../../shared/types.ts';
import { optionWords } from './act-words.ts';
import { objectName, objectTitle } from './object-name.ts';
import { deliveredText } from './origin.ts';
import { userText } from './who.ts';
import { MARKS } from './operation.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { fitValue, valuePair } from './value.ts';
import { changeWords } from './words.ts';

/** What an act was, as a sentence without its subject: `scaled deployment/web 3 → 5  → 2 pods`. */
export interface DeedOptions {
  /** Columns; null for a pipe. */
  width: number | null;
  /** True where the reader knows the namespace: it is not repeated. */
  namespaced: boolean;
  /** True for everything, with whole values. */
  whole?: boolean;
}

/** Objects that are named one by one. */
const MAX_NAMES = 4;
/** Types that are counted one by one. */
const MAX_TYPES = 4;
/** Details in less room than this say nothing. */
const MIN_DETAIL = 16;
/** In a pipe nothing is cut to a width; a value is cut to this, and -o wide has it whole. */
const PIPE_DETAIL = 80;

/** The act in one line, coloured. Values are cut first, then what is counted, names last of all. */
export function deedText(act: Act, { width, namespaced, whole = false }: DeedOptions, style: Style): string {
  const room = width ?? Infinity;
  const verb = act.verb + markOf(act);
  const subject = subjects(act, namespaced, whole, style);
  const [first] = act.changes;
  // What a delivery tool manages, and may set back.
  const byHand = act.changes.some((change) => change.byHand !== undefined) ? ' by hand' : '';
  const scale = act.verb === 'scaled' && act.changes.length === 1 && first !== undefined ? ` ${scaleText(first, style)}` : ''; // prettier-ignore
  const texts = consequenceTexts(act, style);
  const least = texts.length === 0 ? 0 : Math.min(...texts.map(widthOf)) + 2;
  const used = (text: string): number => widthOf(`${verb} ${text}${scale}${byHand}`);
  const what = [least, 0].map((more) => subject.find((text) => used(text) + more <= room)).find((text) => text !== undefined) ?? subject.at(-1) ?? ''; // prettier-ignore
  const base = shortenMiddle(`${verb} ${what}${scale}${byHand}`, Math.max(8, room), style.ellipsis);
  const left = room - widthOf(base);
  const follows = texts.filter((text) => widthOf(text) + 2 <= left);
  const natural = widthOf(detailText(act, MAX_VALUES, style));
  // Counts without a type only where what changed would be left out otherwise.
  const typed = follows.filter((text) => text !== texts.at(-1));
  const beside = (least: number, of = typed): string | undefined =>
    natural === 0 ? undefined : of.find((text) => left - widthOf(text) - 4 >= least);
  const follow =
    beside(natural) ??
    beside(MIN_DETAIL) ??
    (act.verb === 'deleted' ? undefined : beside(MIN_DETAIL, follows)) ??
    follows[0] ??
    '';
  const detailRoom = left - (follow === '' ? 0 : widthOf(follow) + 2) - 2;
  const budget = width === null ? (whole ? null : PIPE_DETAIL) : detailRoom;
  const detail = budget === null || budget >= Math.min(MIN_DETAIL, natural) ? detailText(act, budget, style) : '';
  const fits = detail !== '' && widthOf(detail) <= detailRoom;
  return [
    paintVerb(act, base, style),
    ...(fits ? [`  ${detail}`] : []),
    ...(follow === '' ? [] : [`  ${style.chalk.dim(follow)}`]),
  ].join('');
}

/** `?` where nothing has shown whether it was persisted: as on an operation. */
function markOf({ changes }: Act): string {
  const open = changes.find(({ outcome, effect }) => effect !== 'none' && outcome !== 'committed');
  return open === undefined ? '' : MARKS[open.outcome];
}

function paintVerb({ verb, kind }: Act, text: string, { chalk }: Style): string {
  if (kind !== 'person') return chalk.dim(text);
  if (['deleted', 'evicted', 'drained'].includes(verb)) return chalk.red(text);
  return text;
}

/** The objects of an act, from the longest form to the shortest. */
function subjects(act: Act, namespaced: boolean, whole: boolean, style: Style): string[] {
  const objects = objectsOf(act);
  const name = (object: ObjectRef, by: Pick<Style, 'typeName'> = style): string =>
    namespaced || object.namespace === '' ? objectName(object, by) : objectTitle(object, by);
  const shortTypes = { typeName: (type: ResourceType): string => shortName(type) ?? style.typeName(type) };
  const [only] = objects;
  if (only === undefined) return [''];
  if (objects.length === 1) return [name(only), name(only, shortTypes)];
  const names = objects.map((object) => name(object));
  const types = countTypes(objects, style);
  const [type] = types;
  const one = types.length === 1;
  const counted = one ? (type ?? '') : `${objects.length} objects`;
  const placed = (object: ObjectRef): string =>
    printable(namespaced || object.namespace === '' ? object.name : `${object.namespace}/${object.name}`);
  const short = objects.map((object) => (one ? placed(object) : name(object)));
  const listed = one ? [`${counted}: ${short.join(', ')}`] : [`${counted}: ${names.join(', ')}`, names.join(', ')];
  const some = types.slice(0, MAX_TYPES).join(', ') + (types.length > MAX_TYPES ? ', ...' : '');
  return [
    ...(whole || objects.length <= MAX_NAMES ? listed : []),
    ...(one ? [] : [`${counted}: ${types.join(', ')}`, `${counted}: ${some}`]),
    counted,
  ];
}

/** kubectl's short name of a type of Kubernetes: `hpa`; null where it has none. */
function shortName({ group, resource }: ResourceType): string | null {
  const known = BUILT_IN_TYPES.find((type) => type.group === group && type.resource === resource);
  return known?.shortNames[0] ?? null;
}

/** Each object once. A drain is of the node: its pods are counted with what followed. */
export function objectsOf({ changes, verb }: Act): ObjectRef[] {
  const shown = verb === 'drained' ? changes.filter(({ object }) => object.resource === 'nodes') : changes;
  return [...new Map(shown.map(({ object }) => [JSON.stringify([object.group, object.resource, object.namespace, object.name]), object])).values()]; // prettier-ignore
}

/** `3 services`, the most first. */
function countTypes(objects: readonly ObjectRef[], style: Style): string[] {
  const counts = new Map<string, { object: ObjectRef; count: number }>();
  for (const object of objects) {
    const key = `${object.group}/${object.resource}`;
    counts.set(key, { object, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const sorted = [...counts.values()].sort((a, b) => b.count - a.count);
  return sorted.map(({ object, count }) => countText(object, count, style));
}

function countText(
  type: Pick<ObjectRef, 'group' | 'resource' | 'kind'>,
  count: number,
  style: Style,
  short = false,
): string {
  const brief = short ? shortName(type) : null;
  if (brief !== null) return `${count} ${brief}`;
  const singular = style.typeName(type);
  // A name with a group is one for telling types apart: it has no plural of its own.
  const plural = singular.includes('.') ? singular : type.resource;
  return `${count} ${printable(count === 1 ? singular : plural)}`;
}

/** `→ 2 pods, 5 replicasets and 9 pods gone`, and shorter forms. */
function consequenceTexts(act: Act, style: Style): string[] {
  const counts = countsOf(act);
  if (counts.length === 0) return [];
  const telling = counts.filter(({ fate }) => fate !== 'changed');
  const main = telling.length > 0 ? telling : counts;
  const totals = (['created', 'gone', 'changed'] as const).flatMap((fate) => {
    const total = main.filter((count) => count.fate === fate).reduce((sum, { objects }) => sum + objects, 0);
    return total === 0 ? [] : [`${total} ${fate === 'created' ? 'new' : fate}`];
  });
  return [countsText(counts, style), countsText(main, style), countsText(main, style, true), totals.join(', ')].map(
    (text) => `${style.arrow} ${text}`,
  );
}

/** `2 pods; 5 replicasets, 9 pods gone; 1 replicaset changed`; `short`: with kubectl's short names, `5 rs, 9 po gone`. */
export function countsText(counts: readonly Count[], style: Style, short = false): string {
  const parts = (['created', 'gone', 'changed'] as const).flatMap((fate) => {
    const own = counts.filter((count) => count.fate === fate);
    if (own.length === 0) return [];
    const text = own.map(({ type, objects }) => countText(type, objects, style, short)).join(', ');
    return [fate === 'created' ? text : `${text} ${fate}`];
  });
  return parts.join('; ');
}

/** What changed, of the first object that did: `image: …:1.25 → …:1.26, memory: 256Mi → 128Mi +2`. */
function detailText(act: Act, width: number | null, style: Style): string {
  const { changes, verb, kind } = act;
  const [only] = changes;
  if (only === undefined || kind === 'robot' || HIDES_DETAIL.has(verb)) return '';
  if (verb === 'synced') return only.origin === undefined ? '' : `to ${deliveredText(only.origin, style)}`;
  if (verb === 'deleted') return changes.length === 1 ? optionWords(only).trim() : '';
  const one = objectsOf(act).length === 1;
  const told = one ? only : changes.find(({ effect }) => effect === 'modified');
  if (told === undefined) return '';
  const named = (one ? '' : `${printable(told.object.name)}: `) + healedText(told, style);
  if (told.effect !== 'modified') {
    const words = changeWords(told, { width: null, lines: null }, { ...style, columns: null }).join(', ').replace(/^created(?:: |$)/, ''); // prettier-ignore
    return width === null ? words : shortenEnd(words, width, style.ellipsis);
  }
  const deltas = [...ownDeltas(told)].sort((a, b) => weightOf(a.path) - weightOf(b.path));
  const parts: string[] = [];
  let left = width === null ? Infinity : width - widthOf(named);
  for (const delta of deltas) {
    const more = deltas.length - parts.length - 1;
    const room = left - (more === 0 ? 0 : ` +${more}`.length) - (parts.length === 0 ? 0 : 2);
    const part = deltaText(delta, parts.length === 0 ? room : Infinity, width === null, style);
    if (parts.length > 0 && widthOf(part) > room) break;
    parts.push(part);
    left -= widthOf(part) + (parts.length === 1 ? 0 : 2);
  }
  const rest = deltas.length - parts.length;
  return named + parts.join(', ') + (rest === 0 ? '' : style.chalk.dim(` +${rest}`));
}

/** `548 by bob@example.com: `: whose changes a tool took back. */
function healedText({ origin }: Change, style: Style): string {
  if (origin?.mode !== 'self-heal') return '';
  return origin.takesBack.map(({ seq, actor }) => `${seq} by ${userText(actor.username, style)}: `).join('');
}

/** They say it all. */
const HIDES_DETAIL = new Set(['found', 'drained', 'cordoned', 'uncordoned', 'restarted', 'evicted', 'approved', 'denied', 'paused', 'resumed', 'scaled', 'requested a token for']); // prettier-ignore

/** What was asked for comes before what is noted about it. */
function weightOf(path: string): number {
  return path.startsWith('status') ? 2 : path.startsWith('metadata.') ? 1 : 0;
}

/** A value by the end of its path; `whole` by all of it. */
function deltaText(delta: Delta, room: number, whole: boolean, style: Style): string {
  const { chalk } = style;
  const path = printable(delta.path);
  const last = /(?:\.?[^.[\]]+(?:\[[^\]]*\])?|\[[^\]]*\])$/.exec(path)?.[0].replace(/^\./, '') ?? path;
  const name = whole ? path : last;
  const space = Number.isFinite(room) ? Math.max(MIN_VALUES, room - widthOf(name) - 2) : null;
  if (delta.kind === 'changed') {
    const write = (limit: number): string => {
      const [before, after] = valuePair(delta.before ?? null, delta.after ?? null, limit, style);
      return `${name}: ${chalk.red(before)} ${style.arrow} ${chalk.green(after)}`;
    };
    const natural = write(MAX_VALUES);
    if (widthOf(natural) <= room) return natural;
    // Less of the values would say nothing.
    return room >= MIN_CUT_VALUES + widthOf(name) ? write((space ?? MAX_VALUES) - 3) : shortenMiddle(name, Math.max(1, room), style.ellipsis); // prettier-ignore
  }
  const [sign, paint, value] = delta.kind === 'added' ? ['+', chalk.green, delta.after] : ['-', chalk.red, delta.before]; // prettier-ignore
  const plain = delta.kind === 'added' && value !== undefined && (typeof value !== 'object' || value === null);
  const text = plain ? `${name}: ${fitValue(value, Math.min(space ?? MAX_VALUES, MAX_VALUES), style)}` : name;
  return paint(`${sign}${shortenEnd(text, Math.max(2, room - 1), style.ellipsis)}`);
}

/** Columns of the values of a change: of these -o wide has more. */
const MAX_VALUES = 60;
const MIN_VALUES = 12;
const MIN_CUT_VALUES = 24;

function scaleText({ deltas }: Change, style: Style): string {
  const delta = deltas.find(({ path }) => path.endsWith('eplicas'));
  if (delta === undefined) return '';
  return `${valueOf(delta.before)} ${style.arrow} ${valueOf(delta.after)}`;
}

function valueOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : '?';
}

/** The verb and object of one change, for trees: `deleted replicaset/web-1`. */
export function branchText(change: Change, namespaced: boolean, width: number | null, style: Style): string {
  const { object } = change;
  const name = namespaced || object.namespace === '' ? objectName(object, style) : objectTitle(object, style);
  const base = `${verbOf(change)} ${name}`;
  const scaled = verbOf(change) === 'scaled' || change.deltas.some(({ path }) => path === 'spec.replicas');
  const text = scaled ? `${base} ${scaleText(change, style)}` : base;
  return width === null ? text : shortenEnd(text, width, style.ellipsis);
}
