import { isSetting, mayBeSecret, namesSecret } from './password-texts.ts';
import type { Span } from './provider-tokens.ts';

/*
 * Finds passwords in commands by the options of well-known programs, and by the names of options and variables.
 */

/** A word of a command: its text without quotes, and where that stands. */
export interface Word {
  text: string;
  from: number;
}

/** Options whose value is a password: behind it (`-pSECRET`), or the next word (`-a SECRET`), or either. */
interface PasswordOption {
  programs: RegExp;
  option: string;
  value: 'behind' | 'next' | 'either';
  /** The password is what follows the first colon: `user:password`. */
  afterColon?: boolean;
}

const OPTIONS: readonly PasswordOption[] = [
  { programs: /^(?:mysql|mariadb)[\w-]*$/, option: '-p', value: 'behind' },
  { programs: /^sshpass$/, option: '-p', value: 'either' },
  { programs: /^(?:redis-cli|valkey-cli)$/, option: '-a', value: 'next' },
  { programs: /^(?:mongo|mongosh|mongodump|mongorestore|mongoexport|mongoimport)$/, option: '-p', value: 'either' },
  { programs: /^ldap\w+$/, option: '-w', value: 'either' },
  { programs: /^(?:sqlcmd|bcp)$/, option: '-P', value: 'either' },
  // Of docker, podman, helm, oc, az: elsewhere theirs is a port or a project.
  { programs: /^login$/, option: '-p', value: 'next' },
  { programs: /^openssl$/, option: '-passin', value: 'next', afterColon: true },
  { programs: /^openssl$/, option: '-passout', value: 'next', afterColon: true },
  { programs: /^curl$/, option: '-u', value: 'either', afterColon: true },
  { programs: /^curl$/, option: '--user', value: 'either', afterColon: true },
];

/** The end of a command: what follows is another one. */
const ENDS = /^(?:;|\||\|\||&|&&)$/;
const WORD = /"((?:[^"\\]|\\.)*)"?|'([^']*)'?|(?:[^ \t\r\n;|&"'\\]|\\.)(?:[^ \t\r\n;|&\\]|\\.)*|[;|&]+/dgs;

/** The words of a shell's text, quotes left out. Good enough to look for passwords, not to run it. */
export function wordsOf(text: string): Word[] {
  return [...text.matchAll(WORD)].map((match) => {
    const [from] = match.indices?.[1] ?? match.indices?.[2] ?? [match.index];
    return { text: match[1] ?? match[2] ?? match[0], from };
  });
}

/** Passwords among the words of a command, as places in the words' text. */
export function passwordsInWords(words: readonly Word[]): Span[] {
  const spans: Span[] = [];
  const add = (word: Word | undefined, from: number): void => {
    if (word !== undefined && mayBeSecret(word.text.slice(from)))
      spans.push([word.from + from, word.from + word.text.length]);
  };
  /** Of the programs that have been named. */
  const options = new Set<PasswordOption>();
  for (const [index, word] of words.entries()) {
    const { text } = word;
    const next = words[index + 1];
    if (ENDS.test(text)) options.clear();
    if (!text.startsWith('-')) {
      // Of a subshell or a substitution, too.
      const program = text.slice(text.lastIndexOf('/') + 1).replace(/^[$({`]+|[)}`]+$/g, '');
      for (const option of OPTIONS) if (option.programs.test(program)) options.add(option);
      continue;
    }
    // First: `-pmypassword` is no option `pmypassword`.
    let isKnown = false;
    for (const { option, value, afterColon } of options) {
      const name = option.startsWith('--') && text !== option ? `${option}=` : option;
      if (!text.startsWith(name)) continue;
      const behind = text.length > name.length;
      const [holder, from] = behind ? [word, name.length] : [next, 0];
      if (holder === undefined || value === (behind ? 'next' : 'behind')) continue;
      isKnown = true;
      if (afterColon !== true) add(holder, from);
      else if (holder.text.includes(':')) add(holder, holder.text.indexOf(':') + 1);
    }
    const [start = '', name = ''] = /^--?([\w.-]+)(?:=|$)/.exec(text) ?? [];
    if (isKnown || name.length < 2 || !namesSecret(name)) continue;
    if (start.endsWith('=')) {
      if (!isSetting(text.slice(start.length))) add(word, start.length);
    } else if (next !== undefined && !/^-|^[;|&]/.test(next.text) && !isSetting(next.text)) add(next, 0);
  }
  return spans;
}
