import { stringifyJson } from '../../shared/json.ts';
import type { Keeper } from '../../shared/keepers.ts';
import { printableJson } from '../../shared/printable.ts';
import { writtenPatch } from '../../shared/patch.ts';
import type { Change } from '../../shared/types.ts';
import type { Undo, UndoProblem } from '../../shared/undo.ts';
import { objectTitle } from './object-name.ts';
import type { Style } from './style.ts';
import { printable } from './text.ts';
import { momentText } from './times.ts';
import { briefText } from './value.ts';
import { changeWho, userText } from './who.ts';
import { toYaml } from './yaml.ts';

/** A kubectl command, and what it reads from stdin. */
export interface KubectlInput {
  command: string[];
  text: string;
}

/** How kubectl is to be called for an undo; null where there is nothing to do. */
export function kubectlInput({ object, step }: Undo): KubectlInput | null {
  switch (step.kind) {
    case 'none':
      return null;
    case 'create':
    case 'delete':
      return { command: ['kubectl', step.kind, '-f', '-'], text: toYaml(step.manifest, { fold: true }) };
    case 'patch': {
      const [group = '', version = ''] = step.apiVersion.includes('/')
        ? step.apiVersion.split('/')
        : ['', step.apiVersion];
      // With its version: the patch's paths are those of the version that was recorded.
      const type = group === '' ? object.resource : `${object.resource}.${version}.${group}`;
      const subresource = step.subresource === '' ? [] : ['--subresource', step.subresource];
      const place = object.namespace === '' ? [] : ['-n', object.namespace];
      const input = ['--type', 'json', '--patch-file', '/dev/stdin'];
      const operations = writtenPatch(step.patch).map(
        (operation) => `  ${printableJson(stringifyJson({ ...operation }))}`,
      );
      const text = `[\n${operations.join(',\n')}\n]\n`;
      return { command: ['kubectl', 'patch', type, object.name, ...place, ...subresource, ...input], text };
    }
  }
}

/** A command as a POSIX shell reads it. */
export function shellWords(command: readonly string[]): string {
  return command.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  if (/^[\w./:=@%+,-]+$/.test(word)) return word;
  if (printable(word) === word) return `'${word.replaceAll("'", `'\\''`)}'`;
  // Some types take any name, also one that a terminal would obey: the shell makes it of its bytes.
  return `"$(printf '${[...Buffer.from(word)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')}')"`;
}

/** Several commands as a script for a POSIX shell, which ends at the first that fails. */
export function undoScript(inputs: readonly KubectlInput[]): string {
  const blocks = inputs.map(({ command, text }) => {
    const lines = new Set(text.split('\n'));
    let end = 'END';
    while (lines.has(end)) end += 'D';
    // Quoted, so that the shell takes the text as it is.
    return `${shellWords(command)} <<'${end}'\n${text}${end}\n`;
  });
  return `set -e\n${blocks.join('')}`;
}

/** What could not be undone, one line each. */
export function problemLines(result: Undo, style: Style): string[] {
  return result.problems.map((problem) => `change ${problem.seq}: ${problemText(problem, result, style)}`);
}

function problemText(problem: UndoProblem, { object }: Undo, style: Style): string {
  const title = objectTitle(object, style);
  switch (problem.kind) {
    case 'changed': {
      const { wanted, present, by } = problem;
      const value = (each: typeof wanted): string => (each === undefined ? 'nothing' : briefText(each));
      const since = by === null ? 'changed since' : `set since by ${byText(by, style)}`;
      return `${printable(problem.path)} stays: it was ${value(wanted)}, is now ${value(present)}, ${since}`;
    }
    case 'unrecorded':
      return `${printable(problem.path)} stays: its value was never recorded, only that it changed`;
    case 'unrecorded-parts':
      return `${problem.paths.map((path) => printable(path)).join(', ')}: never recorded, so left out; put ${problem.paths.length === 1 ? 'it' : 'them'} in before you create it`;
    case 'baseline':
      return `${title} was there when recording began: nobody is known to have made it, so there is nothing to undo`;
    case 'translation':
      return `it only shows ${title} in another API version: nobody changed anything, so there is nothing to undo`;
    case 'vital':
      return `the cluster does not work without ${title}, which this would delete; --force prints it all the same`;
    case 'act':
      return 'it was an act without a lasting effect on the object';
    case 'never-persisted':
      return 'it was never persisted: there is nothing to undo';
    case 'deleting':
      return `${title} is being deleted, and that cannot be stopped; ask again when it is gone`;
    case 'exists':
      return `${title} exists again`;
    case 'gone':
      return `${title} does not exist any more`;
    case 'other-object':
      return `the present ${title} is another object of the same name`;
    case 'unknown-field':
      return 'it is not known which field keeps the number of replicas: use kubectl scale';
    case 'subresource':
      return 'kubectl cannot change what it changed';
  }
}

function byText(change: Change, style: Style): string {
  if (change.source === 'baseline') return `somebody unknown, before change ${change.seq} (${momentText(change.at, style)})`; // prettier-ignore
  return `${changeWho(change, style)} (change ${change.seq}, ${momentText(change.at, style)})`;
}

/** Who will put it back, one line each. */
export function keeperLines(keepers: readonly Keeper[], style: Style): string[] {
  return keepers.map(({ who, kind, evidence, path }) => {
    switch (kind) {
      case 'gitops':
        return `${who} manages this object (${printable(evidence)}) and may put it back: change it at its source`;
      case 'owner':
        return `${printable(who)} owns this object, and its controller may put it back: change the owner`;
      case 'controller':
        return `${userText(who, style)} has set ${printable(path)} too (${evidence}), and may set it again`;
    }
  });
}
