import { KubeblameError } from '../../shared/errors.ts';
import { parseSelector } from '../../shared/selector.ts';
import { parseTime } from '../../shared/time.ts';
import type { Io } from '../io.ts';
import type { ClusterFlags } from '../kubeconfig.ts';
import {
  formatFlag,
  givenHistoryFlag,
  readHistoryFlags,
  type HistoryFlags,
  type HistoryOptions,
} from './history-flags.ts';
import { givenMatchFlag, readMatchFlags, type Matches, type MatchFlags } from './match-flags.ts';
import type { RulesFlags } from './rules-flags.ts';
import { asksForLines, readLinesFlags, type LinesFlags, type LinesOptions } from './lines-flags.ts';

export const HISTORY_FORMATS = [
  'story',
  'table',
  'wide',
  'oneline',
  'stat',
  'diff',
  'patch',
  'json',
  'jsonl',
  'yaml',
  'csv',
  'name',
] as const;
export const FORMATS = [...HISTORY_FORMATS, 'lines'] as const;
/** How the story and the list of changes can be encoded: `--format story -o json`. */
const ENCODINGS = ['json', 'yaml', 'wide'] as const;
export type Format = (typeof FORMATS)[number];

/** The flags of `kubectl blame`, as commander gives them. */
export interface BlameFlags extends HistoryFlags, MatchFlags, LinesFlags, RulesFlags, ClusterFlags {
  namespace?: string;
  allNamespaces?: boolean;
  selector?: string;
  since?: string;
  until?: string;
  at?: string;
  from?: string;
  to?: string;
  format?: Format;
  output?: Format;
  limit?: number;
  status?: boolean;
  attempts?: boolean;
}

/** What kind of question it is, with its times in ms. */
export type Question =
  | { kind: 'history'; since?: number; until?: number }
  | { kind: 'states'; at: number }
  | { kind: 'lines'; at: number }
  | { kind: 'differences'; from: number; to: number };

/** What is asked, checked as far as it can be without the ledger. */
export interface Request {
  question: Question;
  format: Format | null;
  /** Which of the two views of a history is meant where `format` only encodes it; null where that is not said. */
  view: 'story' | 'table' | null;
  matches: Matches;
  labels?: string;
  namespace?: string;
  allNamespaces: boolean;
  limit: number | null;
  status: boolean;
  attempts: boolean;
  history: HistoryOptions;
  lines: LinesOptions;
  rules: RulesFlags;
  /** Whose current namespace is meant. */
  cluster: ClusterFlags;
}

/** Throws usage-invalid, time-invalid or selector-invalid. */
export function readRequest(flags: BlameFlags, io: Io): Request {
  if (flags.namespace !== undefined && flags.allNamespaces === true) throw clash('-n', '-A');
  const encodes = (ENCODINGS as readonly (string | undefined)[]).includes(flags.output);
  const view = flags.format === 'story' || (flags.format === 'table' && encodes) ? flags.format : null;
  const differ = flags.format !== undefined && flags.output !== undefined && flags.format !== flags.output;
  if (differ && !(view !== null && encodes)) throw clash('--format', '-o');
  if (flags.selector !== undefined) parseSelector(flags.selector);
  const short = formatFlag(flags);
  const given = (view !== null && encodes ? flags.output : undefined) ?? flags.format ?? flags.output ?? null;
  if (short !== null && given !== null && given !== short) throw clash(`--${short}`, `--format ${given}`);
  const asked = given ?? short;
  const format =
    asked === null && (asksForLines(flags) || (flags.humans === true && flags.at !== undefined)) ? 'lines' : asked;
  const question = readQuestion(flags, format === 'lines', io);
  requireFormat(question, format);
  if (flags.interactive === true) requireBrowsable(flags, asked);
  if (flags.events === true) requireTimeLine(flags, format, view);
  const lines = readLinesFlags(flags, format === 'lines');
  if (lines.humans && (question.kind === 'states' || question.kind === 'differences')) {
    throw clash('--humans', question.kind === 'states' ? '--at' : '--from');
  }
  if (lines.field !== undefined && question.kind !== 'history' && question.kind !== 'lines') {
    if (question.kind === 'differences') throw clash('--field', '--from');
    const hint = 'who set it until then, line by line: --format lines';
    throw new KubeblameError('usage-invalid', '--field and --at do not go together', hint);
  }
  return {
    question,
    format: format === 'story' ? null : format,
    view: view ?? (format === 'story' || flags.events === true ? 'story' : null),
    matches: readMatchFlags(flags),
    ...(flags.selector === undefined ? {} : { labels: flags.selector }),
    ...(flags.namespace === undefined ? {} : { namespace: flags.namespace }),
    allNamespaces: flags.allNamespaces === true,
    limit: flags.limit ?? null,
    status: flags.status === true,
    attempts: flags.attempts === true,
    history: readHistoryFlags(flags, flags.humans === true && question.kind === 'history'),
    lines,
    rules: flags,
    cluster: flags,
  };
}

function readQuestion(flags: BlameFlags, lines: boolean, io: Io): Question {
  const time = (text: string, edge?: 'end'): number => parseTime(text, io.now, io.style.timeZone, edge);
  const historyFlags = (['since', 'until', 'status', 'attempts'] as const).filter((name) => flags[name] !== undefined);
  const historyFlag = historyFlags[0] ?? (givenMatchFlag(flags) ?? givenHistoryFlag(flags))?.slice(2);
  if (flags.at !== undefined) {
    if (flags.from !== undefined || flags.to !== undefined)
      throw clash('--at', flags.from === undefined ? '--to' : '--from');
    if (historyFlag !== undefined) throw clash('--at', `--${historyFlag}`);
    return { kind: lines ? 'lines' : 'states', at: time(flags.at) };
  }
  if (lines) {
    if (historyFlag !== undefined) throw clash('--format lines', `--${historyFlag}`);
    if (flags.from !== undefined || flags.to !== undefined) {
      throw clash('--format lines', flags.from === undefined ? '--to' : '--from');
    }
    return { kind: 'lines', at: io.now };
  }
  if (flags.from !== undefined || flags.to !== undefined) {
    if (historyFlag !== undefined) throw clash(flags.from === undefined ? '--to' : '--from', `--${historyFlag}`);
    if (flags.from === undefined) throw new KubeblameError('usage-invalid', '--to needs --from', 'name both moments');
    const [from, to] = [time(flags.from), flags.to === undefined ? io.now : time(flags.to, 'end')];
    if (from > to) throw new KubeblameError('usage-invalid', '--from lies after --to', 'exchange them');
    return { kind: 'differences', from, to };
  }
  const since = flags.since === undefined ? undefined : time(flags.since);
  const until = flags.until === undefined ? undefined : time(flags.until, 'end');
  if (since !== undefined && until !== undefined && since > until) {
    throw new KubeblameError('usage-invalid', '--since lies after --until', 'exchange them');
  }
  if (flags.watch === true && until !== undefined) throw clash('--watch', '--until');
  return { kind: 'history', ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

const FORMATS_OF: Record<Question['kind'], readonly Format[]> = {
  history: HISTORY_FORMATS,
  states: ['table', 'wide', 'json', 'jsonl', 'yaml', 'name', 'lines'],
  lines: ['lines'],
  differences: ['diff', 'json', 'jsonl', 'yaml', 'name'],
};

function requireFormat({ kind }: Question, format: Format | null): void {
  if (format === null || FORMATS_OF[kind].includes(format)) return;
  const flag = kind === 'states' ? '--at' : '--from';
  throw new KubeblameError(
    'usage-invalid',
    `--format ${format} does not go with ${flag}`,
    `use ${FORMATS_OF[kind].join(', ')}`,
  );
}

/** What is browsed is the story or the table, the newest first. */
function requireBrowsable({ watch, reverse, output }: BlameFlags, format: Format | null): void {
  if (format !== null && format !== 'table' && format !== 'story') throw clash('-i', `${output === undefined ? '--format' : '-o'} ${format}`); // prettier-ignore
  if (watch === true) throw clash('-i', '--watch');
  if (reverse === true) throw clash('-i', '--reverse');
}

/** What is on a time line with Events is told as a story. */
function requireTimeLine(
  { interactive, watch, field }: BlameFlags,
  format: Format | null,
  view: Request['view'],
): void {
  if (interactive === true) throw clash('--events', '-i');
  if (watch === true) throw clash('--events', '--watch');
  if (field !== undefined) throw clash('--events', '--field');
  const refused = view === 'table' ? 'table' : TIME_LINE_FORMATS.includes(format) ? null : format;
  if (refused !== null) throw clash('--events', `--format ${refused}`);
}

const TIME_LINE_FORMATS: readonly (Format | null)[] = [null, 'story', 'wide', 'json', 'yaml'];

function clash(first: string, second: string): KubeblameError {
  return new KubeblameError('usage-invalid', `${first} and ${second} do not go together`, 'leave one of them out');
}
