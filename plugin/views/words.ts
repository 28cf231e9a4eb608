import { isObject } from '../../shared/json.ts';
import { memberPath } from '../../shared/delta.ts';
import { DISPUTED, type Change, type Delta, type Json } from '../../shared/types.ts';
import type { Style } from './style.ts';
import { printable, shortenEnd, shortenMiddle, widthOf } from './text.ts';
import { actWords, optionWords } from './act-words.ts';
import { textChange, type TextChange } from './text-change.ts';
import { summaryOf } from './summary.ts';
import { momentText } from './times.ts';
import { fitValue, shortenPath, valuePair } from './value.ts';

export interface WordsOptions {
  /** Columns of a line; null does not shorten. */
  width: number | null;
  /** At most this many lines, the last one `+3 more`; null for all, also those that follow from others. */
  lines: number | null;
}

/** What a change did, in words: one line for each changed value, or what kind of act it was. */
export function changeWords(change: Change, options: WordsOptions, style: Style): string[] {
  const dropped = change.outcome === 'dropped' ? [droppedWords(change, options.width, style)] : [];
  const disputed = change.outcome !== 'dropped' && change.outcomeReason === DISPUTED ? [disputedWords(style)] : [];
  const unseen = change.gap === '' ? [] : [unseenWords(change, style)];
  return [...dropped, ...disputed, ...unseen, ...effectWords(change, options, style)].map((line) =>
    fit(line, options.width, style),
  );
}

/** Lines with colours were fitted as they were made. */
function fit(line: string, width: number | null, style: Style): string {
  return width === null || line.includes('\u001b') ? line : shortenEnd(line, width, style.ellipsis);
}

function droppedWords({ outcomeReason }: Change, width: number | null, style: Style): string {
  const words = outcomeReason === '' ? 'never persisted' : `never persisted: ${printable(outcomeReason)}`;
  return style.chalk.red(fit(words, width, style));
}

/** Somebody may have written a review in another name. */
function disputedWords(style: Style): string {
  return style.chalk.red(`disputed: ${DISPUTED}`);
}

/** Found only later: when it happened is not known better, and who did it not at all. */
function unseenWords({ notBefore, gap }: Change, style: Style): string {
  return `after ${momentText(notBefore, style)}, while nothing was recorded: ${printable(gap)}`;
}

function effectWords(change: Change, options: WordsOptions, style: Style): string[] {
  const { effect, source, deltas, operation, scale } = change;
  if (effect === 'none') return [actWords(change)];
  if (scale !== undefined) {
    const from = scale.from === null ? '' : ` from ${scale.from}`;
    return [`scaled${from} to ${scale.to}; which field keeps the number is not known`];
  }
  // Of one field there is no more to tell than the field.
  if (effect === 'created' && deltas.every(({ path }) => path === '')) {
    const summary = summaryOf(deltas.find(({ path }) => path === '')?.after, options.width !== null);
    const made = source === 'baseline' ? 'was there when recording began' : 'created';
    return [summary === '' ? made : `${made}: ${summary}`];
  }
  if (effect === 'deleted' && deltas.every(({ path }) => path === '')) return [`deleted${optionWords(change)}`];
  const first =
    effect === 'deleted'
      ? [`deleted${optionWords(change)}`]
      : operation === 'DELETE' || deltas.some(({ path, kind }) => path === DELETION && kind === 'added')
        ? [`marked for deletion${optionWords(change)}`]
        : [];
  return [...first, ...deltaWords(deltas, first.length > 0, options, style)];
}

const DELETION = 'metadata.deletionTimestamp';
const LAST_APPLIED = 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]';

/** Values that only follow from other changes of the same request. */
function isConsequence({ path }: Delta, deleting: boolean): boolean {
  return (
    path === 'metadata.generation' ||
    path === LAST_APPLIED ||
    (deleting && (path === DELETION || path === 'metadata.deletionGracePeriodSeconds'))
  );
}

/** What was asked for comes before what is noted about it; last of all times and orders, which change with everything. */
function weightOf({ path }: Delta): number {
  if (/(?:Time|Timestamp|\[\])$/.test(path)) return 3;
  if (path.startsWith('status.')) return 2;
  return path.startsWith('metadata.') ? 1 : 0;
}

function deltaWords(deltas: readonly Delta[], told: boolean, { width, lines }: WordsOptions, style: Style): string[] {
  if (lines === null) return deltas.map((delta) => deltaLine(delta, width, style));
  const own = deltas.filter((delta) => !isConsequence(delta, told));
  // Where nothing else changed, it is the news.
  const shown = (own.length > 0 || told ? own : [...deltas]).sort((a, b) => weightOf(a) - weightOf(b));
  if (shown.length <= lines) return shown.map((delta) => deltaLine(delta, width, style));
  const kept = shown.slice(0, lines - 1).map((delta) => deltaLine(delta, width, style));
  return [...kept, style.chalk.dim(`+${shown.length - kept.length} more`)];
}

/** `spec.replicas: 3 → 5`, `+ metadata.labels.tier: frontend`, `- metadata.labels.tier: frontend`. */
export function deltaLine(delta: Delta, width: number | null, style: Style): string {
  const { chalk } = style;
  const path = printable(delta.path);
  if (delta.kind === 'changed') {
    const [before, after] = [delta.before ?? null, delta.after ?? null];
    const text = textChange(before, after);
    if (text !== null) return textLine(path, text, width, style);
    return pairLine({ path, what: '', before, after, note: '' }, width, style);
  }
  const [sign, paint] = delta.kind === 'added' ? ['+', chalk.green] : ['-', chalk.red];
  const whole = (delta.kind === 'added' ? delta.after : delta.before) ?? null;
  const { path: inner, value } = onlyMember(path, whole);
  if (width === null) return `${paint(sign)} ${inner}: ${paint(fitValue(value, null, style))}`;
  const space = width - widthOf('+ : ');
  const room = roomFor(inner, space, widthOf(fitValue(value, space, style)));
  return `${paint(sign)} ${shortenPath(inner, space - room, style)}: ${paint(fitValue(value, room, style))}`;
}

interface PairLine {
  path: string;
  /** Between the path and the values: `: line 41`. */
  what: string;
  before: Json;
  after: Json;
  /** Behind the values. */
  note: string;
}

function pairLine({ path, what, before, after, note }: PairLine, width: number | null, style: Style): string {
  const between = ` ${style.arrow} `;
  const end = style.chalk.dim(note);
  if (width === null) {
    return `${path}${what}: ${paintPair(valuePair(before, after, null, style), between, style)}${end}`;
  }
  const space = width - widthOf(`${what}: ${between}${note}`);
  const room = roomFor(path, space, widthOf(valuePair(before, after, space, style).join('')));
  const pair = valuePair(before, after, room, style);
  return `${shortenPath(path, space - room, style)}${what}: ${paintPair(pair, between, style)}${end}`;
}

/** Of a text only the first changed line, and how many did: `data["a.conf"]: line 41: level = 1 → level = 2 (+1 -1)`. */
function textLine(path: string, change: TextChange, width: number | null, style: Style): string {
  const { chalk } = style;
  const short = (tail: string): string =>
    (width === null ? path : shortenPath(path, Math.max(1, width - widthOf(tail)), style)) + tail;
  switch (change.kind) {
    case 'last-line-end':
      return short(`: line break at the end ${change.added ? 'added' : 'removed'}`);
    case 'line-ends': {
      const { before, after, count } = change;
      return short(`: only line ends: ${before} ${style.arrow} ${after} (${count} ${count === 1 ? 'line' : 'lines'})`);
    }
    case 'lines': {
      const { number, before, after, added, removed } = change;
      const what = `: line ${number}`;
      const note = ` (+${added} -${removed})`;
      const [old, now] = [before, after].map((line) => line && shortenMiddle(line, MAX_LINE, style.ellipsis));
      if (old != null && now != null) return pairLine({ path, what, before: old, after: now, note }, width, style);
      const [sign, paint] = old == null ? ['+', chalk.green] : ['-', chalk.red];
      const line = old ?? now ?? '';
      if (width === null) return `${path}${what}: ${paint(`${sign} ${fitValue(line, null, style)}`)}${chalk.dim(note)}`;
      const space = width - widthOf(`${what}: + ${note}`);
      const room = roomFor(path, space, widthOf(fitValue(line, space, style)));
      const value = paint(`${sign} ${fitValue(line, room, style)}`);
      return `${shortenPath(path, space - room, style)}${what}: ${value}${chalk.dim(note)}`;
    }
  }
}

/** Columns of a line of a text: also in a pipe, where the diff has it whole. */
const MAX_LINE = 120;

function paintPair([before, after]: [string, string], between: string, { chalk }: Style): string {
  return chalk.red(before) + chalk.dim(between) + chalk.green(after);
}

/** Columns of values beside a long path: what they need, as far as the path leaves it, but never less than a share. */
function roomFor(path: string, space: number, needed: number): number {
  return Math.min(needed, Math.max(space - widthOf(path), Math.min(Math.floor(space * 0.45), 32)));
}

/** An object with a single member is told by that member: `limits.memory: 256Mi`, `env[FEATURE_X].value: on`. */
function onlyMember(path: string, value: Json): { path: string; value: Json } {
  let at = { path, value };
  while (isObject(at.value)) {
    const { path: outer } = at;
    // A list item's name is in the path already.
    const members = Object.entries(at.value).filter(
      ([key, name]) => key !== 'name' || typeof name !== 'string' || !outer.endsWith(`[${name}]`),
    );
    const [entry, ...others] = members;
    if (entry === undefined || others.length > 0) break;
    at = { path: printable(memberPath(at.path, entry[0])), value: entry[1] };
  }
  return at;
}
