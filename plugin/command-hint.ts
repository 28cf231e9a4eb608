import type { Command } from 'commander';
import { KubeblameError } from '../shared/errors.ts';

/** Commands of kubectl that somebody may look for behind `kubectl blame`. */
const KUBECTL = ['describe', 'events', 'exec', 'explain', 'get', 'logs', 'top'];

/** A type that nobody knows may be a command that was misspelt, or is kubectl's. */
export function withCommandHint(error: unknown, [word = '', next]: readonly string[], program: Command): unknown {
  if (!(error instanceof KubeblameError) || error.code !== 'type-unknown') return error;
  if (word === 'blame' || KUBECTL.includes(word)) {
    const hint = word === 'blame' ? `leave out the second "blame"${next === 'help' ? ': kubectl blame help' : ''}` : `${word} is a command of kubectl; here TYPE comes first: kubectl blame pod NAME`; // prettier-ignore
    return new KubeblameError(error.code, error.message, hint, { cause: error });
  }
  const similar = program.commands.map((command) => command.name()).find((name) => isSlip(word, name));
  if (similar === undefined) return error;
  return new KubeblameError(error.code, error.message, `did you mean the command ${similar}?`, { cause: error });
}

/** One letter wrong, missing, doubled or exchanged with the next. */
function isSlip(word: string, name: string): boolean {
  if (Math.abs(word.length - name.length) > 1 || word.length < 3) return false;
  const sorted = (text: string): string => [...text].sort().join('');
  let start = 0;
  while (start < name.length && word[start] === name[start]) start++;
  let end = 0;
  while (end < name.length - start && word.at(-1 - end) === name.at(-1 - end)) end++;
  return sorted(word) === sorted(name) || Math.max(word.length, name.length) - start - end <= 1;
}
