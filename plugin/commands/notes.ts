import { withoutRedacted } from '../../shared/revert.ts';
import type { ChangePage, LedgerReader, State } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { gapNotes } from '../views/coverage-table.ts';
import { objectTitle } from '../views/object-name.ts';
import { printable, wrapWords } from '../views/text.ts';

/** What explains the answer: on stderr, so that stdout is the data alone. On a terminal broken between words. */
export function note(io: Io, text: string): void {
  const { chalk, columns } = io.style;
  const lines = columns === null ? [text] : wrapWords(text, columns - MARGIN);
  for (const [index, line] of lines.entries()) io.err(`${chalk.dim(`${index === 0 ? '# ' : '#   '}${line}`)}\n`);
}

/** The same on one line, however long: it holds a command to copy. */
export function noteCommand(io: Io, text: string): void {
  io.err(`${io.style.chalk.dim(`# ${text}`)}\n`);
}

/** Of a note's further lines. */
const MARGIN = '#   '.length;

/** An answer without what the reader may not read must not look whole. */
export function tellDenied(denied: ReadonlySet<string>, io: Io): void {
  if (denied.size === 0) return;
  note(io, `left out, since you may not read them: ${deniedText(denied)}`);
}

/** `secrets`, and of what is done to objects: `pods/{attach,exec}`. */
function deniedText(denied: ReadonlySet<string>): string {
  const acts = new Map<string, string[]>();
  for (const name of [...denied].map((each) => printable(each)).sort()) {
    const [type = '', act] = name.split('/');
    const before = acts.get(type) ?? [];
    acts.set(type, act === undefined ? before : [...before, act]);
  }
  const text = ([type, names]: [string, string[]]): string[] => [
    ...(denied.has(type) ? [type] : []),
    ...(names.length === 0 ? [] : [`${type}/${names.length === 1 ? (names[0] ?? '') : `{${names.join(',')}}`}`]),
  ];
  return [...acts].flatMap(text).join(', ');
}

/** A document to be applied must not put what stands for a password in its place. */
export function tellRedacted(states: readonly State[], io: Io): void {
  const lost = states.map(({ object, body }) => ({ object, paths: withoutRedacted(body, '').lost }));
  const [first, ...more] = lost.filter(({ paths }) => paths.length > 0);
  if (first === undefined) return;
  const count = [first, ...more].reduce((sum, { paths }) => sum + paths.length, 0);
  const [path = '', ...others] = first.paths.map((each) => printable(each));
  const where =
    states.length === 1 ? [path, ...others].join(', ') : `${path} of ${objectTitle(first.object, io.style)}`;
  const rest = states.length === 1 || count === 1 ? '' : ` and ${count - 1} more`;
  note(io, `redacted in the record, so put it in before you apply this: ${where}${rest}`);
}

/** The answer's lines. */
export function print(io: Io, lines: readonly string[]): void {
  if (lines.length > 0) io.out(`${lines.join('\n')}\n`);
}

/** Blocks of lines with an empty line between them. */
export function separated(blocks: readonly string[][]): string[] {
  return blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

/** An answer for a time in which recording did not always work may not be whole. */
export async function tellPartial(from: number, to: number, reader: LedgerReader, io: Io): Promise<void> {
  const gaps = gapNotes(await reader.coverage(), from, to, io.style);
  const [only] = gaps;
  if (only === undefined) return;
  note(io, gaps.length === 1 ? only : `there were ${gaps.length} gaps in recording then: kubectl blame coverage`);
}

/** When recording did not work, within a period (ms). */
export async function tellGaps(from: number, to: number, reader: LedgerReader, io: Io): Promise<void> {
  for (const gap of gapNotes(await reader.coverage(), from, to, io.style)) note(io, gap);
}

/** The same for an empty answer, which also says where there was no gap: then nothing happened. */
export async function tellCoverage(from: number, to: number, reader: LedgerReader, io: Io): Promise<void> {
  const coverage = await reader.coverage();
  const gaps = gapNotes(coverage, from, to, io.style);
  for (const gap of gaps) note(io, gap);
  const [first] = coverage;
  if (first !== undefined && first.from <= from && gaps.length === 0)
    note(io, 'recording worked all that time: kubectl blame coverage');
}

/** How many changes an answer leaves out, and what shows them. `more`: there are older ones, which were not counted. */
export function tellHidden({ status, attempts }: ChangePage['hidden'], more: boolean, io: Io): void {
  const tell = (count: number, one: string, many: string, flag: string): void => {
    if (count === 0) return;
    const single = count === 1 && !more;
    note(io, `${count}${more ? '+' : ''} ${single ? one : many} hidden: ${flag} shows ${single ? 'it' : 'them'}`);
  };
  tell(status, 'change of status by a controller', 'changes of status by controllers', '--status');
  tell(attempts, 'change that was never persisted', 'changes that were never persisted', '--attempts');
}
