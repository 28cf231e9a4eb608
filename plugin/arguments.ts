import type { Command, Option } from 'commander';
import { KubeblameError } from '../shared/errors.ts';

/** A flag with its value, or a word that is neither. */
interface Part {
  option?: Option;
  words: string[];
}

/**
 * The words of a command line as commander reads them, from kubectl's way of writing flags (pflag's): `-n=shop`,
 * `-A=false`, `--status=true`; also git's `-5`. What stands after `--` stays as it is. Throws usage-invalid for a truth
 * value that is none.
 */
export function commanderWords(words: readonly string[], options: readonly Option[]): string[] {
  let parts: Part[] = [];
  const set = (option: Option, value: string): void => {
    // Of a flag that was given twice, the last counts.
    parts = parts.filter((part) => part.option !== option);
    if (readTruth(option, value)) parts.push({ option, words: [option.long ?? option.short ?? ''] });
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      parts.push({ words: [word, ...rest] });
      break;
    }
    if (/^-\d+$/.test(word) && options.some(({ long }) => long === '--limit')) {
      parts.push({ words: ['--limit', word.slice(1)] });
    } else if (word.startsWith('--')) {
      const [name = '', value] = splitOnce(word);
      const option = options.find(({ long }) => long === name);
      if (option !== undefined && !option.required && value !== undefined) set(option, value);
      else if (option?.required === true && value === undefined) parts.push(withValue(option, name, rest));
      else parts.push({ ...(option === undefined ? {} : { option }), words: [word] });
    } else if (word.startsWith('-') && word.length > 1) {
      readShort(word, rest, options, parts, set);
    } else {
      parts.push({ words: [word] });
    }
  }
  return parts.flatMap((part) => part.words);
}

/** `-Aw`, `-n=shop`, `-nshop`, `-wn shop`. */
function readShort(
  word: string,
  rest: string[],
  options: readonly Option[],
  parts: Part[],
  set: (option: Option, value: string) => void,
): void {
  for (let letters = word.slice(1); letters !== ''; letters = letters.slice(1)) {
    const name = `-${letters.charAt(0)}`;
    const option = options.find(({ short }) => short === name);
    const value = letters.slice(1);
    if (option === undefined) {
      parts.push({ words: [`-${letters}`] });
      return;
    }
    if (option.required) {
      if (value === '') parts.push(withValue(option, name, rest));
      else parts.push({ option, words: [name, value.replace(/^=/, '')] });
      return;
    }
    if (value.startsWith('=')) {
      set(option, value.slice(1));
      return;
    }
    parts.push({ option, words: [name] });
  }
}

/** A flag takes the next word, whatever it looks like. */
function withValue(option: Option, name: string, rest: string[]): Part {
  const value = rest.shift();
  return { option, words: value === undefined ? [name] : [name, value] };
}

function splitOnce(word: string): [name: string, value?: string] {
  const equals = word.indexOf('=');
  return equals < 0 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** Go's strconv.ParseBool. */
const TRUTH: Record<string, boolean> = {
  ...{ '1': true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ '0': false, f: false, F: false, false: false, FALSE: false, False: false },
};

function readTruth({ flags }: Pick<Option, 'flags'>, text: string): boolean {
  const value = Object.hasOwn(TRUTH, text) ? TRUTH[text] : undefined;
  if (value !== undefined) return value;
  throw new KubeblameError(
    'usage-invalid',
    `${flags}: ${JSON.stringify(text)} is neither true nor false`,
    'write true or false after the equals sign, or the flag alone',
  );
}

/** Whether a flag without a value is on, before anything else is read: what has to write needs to know it. */
export function isOn(words: readonly string[], flag: string): boolean {
  const end = words.indexOf('--');
  const last = (end < 0 ? words : words.slice(0, end)).findLast((word) => splitOnce(word)[0] === flag);
  if (last === undefined) return false;
  const [, value = 'true'] = splitOnce(last);
  // What is neither is refused later.
  return !Object.hasOwn(TRUTH, value) || TRUTH[value] === true;
}

/** Flags that name what to ask: a ledger file, a server, or a cluster. */
const SOURCES = ['db', 'server', 'kubeconfig', 'context', 'cluster', 'as', 'asGroup', 'asUid'];

/**
 * The flags of a command, and those that stand before its name. What was written beats what the environment says, also
 * where it names another source: --db is not for nothing where KUBEBLAME_SERVER is set.
 */
export function flagsOf<T extends object>(command: Command): T {
  const values: Record<string, unknown> = {};
  const written = new Set<string>();
  for (const each of command.parent === null ? [command] : [command.parent, command]) {
    for (const [name, value] of Object.entries(each.opts())) {
      const byUser = each.getOptionValueSource(name) === 'cli';
      if (written.has(name) && !byUser) continue;
      values[name] = value;
      if (byUser) written.add(name);
    }
  }
  return withoutOtherSources(values, written) as T;
}

/** Leaves out the source that the environment names, where another one was written. */
export function withoutOtherSources(
  values: Record<string, unknown>,
  written: ReadonlySet<string>,
): Record<string, unknown> {
  if (!SOURCES.some((name) => written.has(name))) return values;
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => (name !== 'db' && name !== 'server') || written.has(name)),
  );
}
