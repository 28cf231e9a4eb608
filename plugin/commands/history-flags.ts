import type { Command } from 'commander';
import { isByPerson } from '../../shared/acts/kubelet.ts';
import { KubeblameError, messageOf } from '../../shared/errors.ts';
import type { Change, Json } from '../../shared/types.ts';
import { valueText } from '../views/value.ts';

/** The flags that `git log` has too. */
export interface HistoryFlags {
  reverse?: boolean;
  oneline?: boolean;
  stat?: boolean;
  grep?: string;
  ignoreCase?: boolean;
  watch?: boolean;
  expand?: boolean;
  interactive?: boolean;
  events?: boolean;
}

export interface HistoryOptions {
  /** Oldest first. */
  reverse: boolean;
  /** Which changes are wanted, by what they say; null for all. */
  grep: ((change: Change) => boolean) | null;
  /** Goes on with what comes. */
  watch: boolean;
  /** Also what controllers did in consequence. */
  expand: boolean;
  /** To be browsed on the terminal. */
  interactive: boolean;
  /** Also Kubernetes Events, on one time line with the changes. */
  events: boolean;
}

export function addHistoryFlags(command: Command): void {
  command
    .option('-w, --watch', 'stream new changes, the newest last')
    .option('--reverse', 'the oldest first')
    .option('--oneline', 'one line for each change: the same as --format oneline')
    .option('--stat', 'how many values each change set, and where: the same as --format stat')
    .option('--events', 'also Kubernetes Events, on one time line with the changes: docs/events.md')
    .option('--expand', 'also what controllers did in consequence, change by change')
    .option('--grep <pattern>', 'changes with a path or value that matches this regular expression')
    .option('--ignore-case', 'ignore case in --grep')
    .option('-i, --interactive', 'browse on the terminal: Enter unfolds an act or shows a diff, ? has all keys');
}

/** The format that a flag of its own asks for; null where none does. Throws usage-invalid. */
export function formatFlag(flags: HistoryFlags): 'oneline' | 'stat' | null {
  if (flags.oneline === true && flags.stat === true) {
    throw new KubeblameError('usage-invalid', '--oneline and --stat do not go together', 'leave one of them out');
  }
  return flags.oneline === true ? 'oneline' : flags.stat === true ? 'stat' : null;
}

/** The first of these flags that was given, for a question that they mean nothing to. */
export function givenHistoryFlag(flags: HistoryFlags): string | undefined {
  const names = {
    reverse: '--reverse',
    grep: '--grep',
    ignoreCase: '--ignore-case',
    watch: '--watch',
    interactive: '--interactive',
    events: '--events',
  } as const;
  if (flags.expand !== undefined) return '--expand';
  const [given] = (Object.keys(names) as (keyof typeof names)[]).filter((name) => flags[name] !== undefined);
  return given === undefined ? undefined : names[given];
}

/** `humans`: only changes by people. Throws usage-invalid. */
export function readHistoryFlags(flags: HistoryFlags, humans: boolean): HistoryOptions {
  if (flags.ignoreCase === true && flags.grep === undefined) {
    throw new KubeblameError('usage-invalid', '--ignore-case needs --grep', 'name the pattern');
  }
  const grep = flags.grep === undefined ? null : matcher(flags.grep, flags.ignoreCase === true);
  return {
    reverse: flags.reverse === true,
    grep: humans ? (change) => isByPerson(change) && (grep === null || grep(change)) : grep,
    watch: flags.watch === true,
    expand: flags.expand === true,
    interactive: flags.interactive === true,
    events: flags.events === true,
  };
}

/** Looks through what a change set, as `path: value`, and what was there before; of an act, through its options. */
function matcher(text: string, ignoreCase: boolean): (change: Change) => boolean {
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, ignoreCase ? 'iu' : 'u');
  } catch (error) {
    throw new KubeblameError('usage-invalid', `--grep: ${messageOf(error)}`, 'quote a special character with \\');
  }
  const matches = (path: string, value: Json | undefined): boolean =>
    value !== undefined && pattern.test(`${path}: ${valueText(value)}`);
  return (change) =>
    change.deltas.some(({ path, before, after }) => matches(path, before) || matches(path, after)) ||
    (change.effect === 'none' && matches(change.subresource, change.options));
}
