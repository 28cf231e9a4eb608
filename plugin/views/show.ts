import type { AuditRecord } from '../../shared/audit.ts';
import type { Act } from '../../shared/acts/acts.ts';
import { countsOf } from '../../shared/acts/consequences.ts';
import { formatAge, formatUtc } from '../../shared/time.ts';
import { isObject } from '../../shared/json.ts';
import { metadataText } from '../../shared/normalise.ts';
import type { CauseLink, Change, Json } from '../../shared/types.ts';
import { idsOf } from './bursts.ts';
import { countsText, deedText } from './deed.ts';
import { diffLines } from './diff.ts';
import { objectTitle } from './object-name.ts';
import { operationText, paintOperation } from './operation.ts';
import { originLines } from './origin.ts';
import { consequenceLines } from './story.ts';
import type { Style } from './style.ts';
import { printable, wrapWords } from './text.ts';
import { momentText } from './times.ts';
import { valueText } from './value.ts';
import { changeWho, disputedMark, originOf, whoText } from './who.ts';
import { changeWords } from './words.ts';

/** What stands around a change in its object's history, and what it led to. */
export interface Surroundings {
  previous: Change | null;
  next: Change | null;
  /** Changes that name this one as their cause. */
  caused: Change[];
  /** The act that it is of; null where it only follows from another, or too much happened to tell. */
  act: Act | null;
  now: number;
}

/** Everything about one change, as `git show`: facts with their labels, then what it did, as a diff. */
export function showLines(change: Change, around: Surroundings, style: Style): string[] {
  const { chalk } = style;
  const facts = [
    ...whoFacts(change, style),
    ...whatFacts(change, around, style),
    ...aroundFacts(change, around, style),
  ].filter(([, value]) => value !== '');
  const width = Math.max(...facts.map(([label]) => label.length)) + 2;
  return [
    `${chalk.yellow(`change ${change.seq}`)} ${chalk.bold(objectTitle(change.object, style))}`,
    ...facts.flatMap(([label, value]) => {
      const [first = '', ...more] = style.columns === null ? [value] : wrapWords(value, style.columns - width);
      return [
        `${chalk.dim((label === '' ? '' : `${label}:`).padEnd(width))}${first}`,
        ...more.map((line) => ' '.repeat(width) + line),
      ];
    }),
    '',
    ...bodyLines(change, style),
    ...followedLines(around.act, style),
  ];
}

/** What controllers did in consequence of the act, as a tree. */
function followedLines(act: Act | null, style: Style): string[] {
  if (act === null || act.consequences.length === 0) return [];
  const lines = consequenceLines(act, style);
  const more = lines.length - MAX_FOLLOWED;
  return [
    '',
    style.chalk.bold(`What followed: ${countsText(countsOf(act), style) || `${lines.length} requests`}`),
    ...lines.slice(0, MAX_FOLLOWED).map((line) => `  ${line}`),
    ...(more > 0 ? [style.chalk.dim(`  ... and ${more} more`)] : []),
  ];
}

const MAX_FOLLOWED = 40;

/** `applied 3 objects: ...; changes 264-266`; '' where the act is this change alone. */
function actFact(act: Act | null, style: Style): string {
  if (act === null || act.changes.length < 2) return '';
  return `${deedText({ ...act, consequences: [] }, { width: null, namespaced: false }, style)} ${style.dot} changes ${idsOf(act)}`;
}

type Fact = [label: string, value: string];

function whoFacts(change: Change, style: Style): Fact[] {
  const { actor, manager, managersHint } = change;
  const list = (values: readonly string[]): string => values.map((value) => printable(value)).join(', ');
  if (actor === null) {
    return [
      ['User', changeWho(change, style)],
      [
        'Managers',
        managersHint.length === 0 ? '' : `${list(managersHint)} (by managedFields: a hint, not an identity)`,
      ],
    ];
  }
  return [
    ['User', style.chalk.cyan(printable(actor.username)) + disputedMark(actor)],
    ['User UID', printable(actor.uid ?? '')],
    ['Groups', list(actor.groups)],
    ...Object.entries(actor.extra ?? {}).map(([key, values]): Fact => ['Extra', `${printable(key)}: ${list(values)}`]),
    ['Manager', printable(manager)],
  ];
}

/** A review names the user whom somebody else may have acted as, and nothing of the connection. */
const NOT_IN_A_REVIEW = 'impersonator, source address, user agent, audit ID: only in the audit log of the API server';

function whatFacts(change: Change, { now }: Surroundings, style: Style): Fact[] {
  const {
    at,
    notBefore,
    outcome,
    outcomeReason,
    source,
    resourceVersion,
    baseResourceVersion,
    reviewUid,
    object,
    audit,
    recordedAt,
  } = change;
  const when = style.columns === null ? formatUtc(at) : `${momentText(at, style)} (${formatAge(now - at)} ago)`;
  const interval =
    notBefore < at
      ? `, at some time since ${style.columns === null ? formatUtc(notBefore) : momentText(notBefore, style)}`
      : '';
  const versions = [baseResourceVersion, resourceVersion].map((version) => printable(version) || '?');
  return [
    ['Date', when + interval],
    [
      'Recorded',
      recordedAt === undefined ? '' : style.columns === null ? formatUtc(recordedAt) : momentText(recordedAt, style),
    ],
    ['Operation', paintOperation({ ...change, outcome: 'committed' }, style)],
    ['Options', optionText(change.options)],
    ['Outcome', outcomeReason === '' ? outcome : `${outcome}: ${printable(outcomeReason)}`],
    ['Source', source],
    ['Object UID', printable(object.uid)],
    ['Version', resourceVersion === '' && baseResourceVersion === '' ? '' : versions.join(` ${style.arrow} `)],
    ['Review', printable(reviewUid)],
    ...(audit === undefined ? [] : auditFacts(audit, style)),
    ['Not known', source === 'admission' && audit === undefined ? NOT_IN_A_REVIEW : ''],
  ];
}

/** What only the API server itself knows of a request. */
function auditFacts(audit: AuditRecord, style: Style): Fact[] {
  const { id, verb, code, reason = '', message = '', impersonator, sourceIPs, userAgent, user, level } = audit;
  const list = (values: readonly string[]): string => values.map((value) => printable(value)).join(', ');
  const behind = impersonator === undefined ? '' : `${printable(impersonator.username)}, who acted as ${printable(user.username)}`; // prettier-ignore
  return [
    ['Impersonator', behind === '' ? '' : style.chalk.cyan(behind)],
    ['Its groups', list(impersonator?.groups ?? [])],
    ['Request', `${printable(verb)}, answered with ${code}${reason === '' ? '' : ` ${printable(reason)}`}`],
    ['Refused', printable(message)],
    ['From', list(sourceIPs)],
    ['User agent', printable(userAgent)],
    ['Audit ID', `${printable(id)} (level ${level})`],
  ];
}

function aroundFacts(change: Change, { previous, next, caused, act }: Surroundings, style: Style): Fact[] {
  const { cause, causes } = change;
  const origin = originOf(change);
  return [
    ['Act', actFact(act, style)],
    ['Cause', cause === null ? '' : `change ${cause}`],
    ...(causes ?? []).map((link, index): Fact => [index === 0 ? 'For' : '', causeLine(link, style)]),
    ...(origin === null ? [] : originLines(origin, style)).map((line, index): Fact => [
      index === 0 ? 'Origin' : '',
      line,
    ]),
    ['Before it', previous === null ? 'nothing is recorded' : changeLine(previous, style)],
    ['After it', next === null ? 'nothing: this is the last one' : changeLine(next, style)],
    ...caused.map((change, index): Fact => [index === 0 ? 'Caused' : '', `${changeLine(change, style)}`]),
  ];
}

/** Who it was done for, nearest first, each with the evidence: `alice@example.com by 265 deployment shop/web: ...`. */
function causeLine({ seq, actor, object, certain, why }: CauseLink, style: Style): string {
  const who = actor === null ? 'unknown' : whoText(actor, style);
  const title = `${style.chalk.yellow(String(seq))} ${objectTitle(object, style)}`;
  return `${certain ? '' : 'likely '}${style.chalk.cyan(who)} by ${title}: ${printable(why)}`;
}

/** `1203 update by alice@example.com: spec.replicas: 3 → 5`: another change in one line. */
export function changeLine(change: Change, style: Style): string {
  const [words = ''] = changeWords(change, { width: null, lines: 2 }, style);
  return `${style.chalk.yellow(String(change.seq))} ${operationText(change)} by ${changeWho(change, style)}: ${words}`;
}

function optionText(options: Json): string {
  if (!isObject(options)) return options === null ? '' : valueText(options);
  const { kind: _kind, apiVersion: _version, ...rest } = options;
  return Object.entries(rest)
    .map(([key, value]) => `${printable(key)} ${valueText(value)}`)
    .join(', ');
}

function bodyLines(change: Change, style: Style): string[] {
  const { effect, scale, before, after } = change;
  if (effect === 'none' || scale !== undefined)
    return changeWords(change, { width: null, lines: null }, style).map((line) => `  ${line}`);
  const lines = diffLines(before ?? null, after ?? null, style);
  if (lines.length > 0) return lines;
  return [
    `  no difference${metadataText(before ?? null, 'name') === '' ? '' : ' between the states before and after it'}`,
  ];
}
