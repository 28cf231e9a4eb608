import type { Command, Help } from 'commander';
import { wrapWords } from './views/text.ts';

/** Of a pipe, and of a terminal that does not say. */
const DEFAULT_WIDTH = 100;

interface Texts {
  examples: string;
  notes: string;
}

const TEXTS = new WeakMap<Command, Texts>();

/** Examples (as `  # what` and `  command` lines) and closing notes for a command's help. */
export function describeCommand(command: Command, examples: string, notes = ''): void {
  TEXTS.set(command, { examples, notes });
}

/** Where the texts of flags begin, at most. */
const MAX_TERM = 32;

/** A command's help with the sections of kubectl's, in its order: what it is, examples, commands, options, usage. */
export function formatHelp(command: Command, help: Help): string {
  const { examples, notes } = TEXTS.get(command) ?? { examples: '', notes: '' };
  const width = help.helpWidth ?? DEFAULT_WIDTH;
  const commands = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  const sections = [
    help.commandDescription(command),
    examples === '' ? '' : `Examples:\n${examples.replace(/^\n/, '')}`,
    list('Available Commands', commands.map((each) => [each.name(), each.description()]), width), // prettier-ignore
    list(
      'Options',
      help.visibleOptions(command).map((option) => {
        const indent = option.short === undefined ? '    ' : '';
        const values = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`;
        const variable = option.envVar === undefined ? '' : ` ($${option.envVar})`;
        return [`${indent}${option.flags}`, `${option.description}${values}${variable}`];
      }),
      width,
    ),
    `Usage:\n  ${usageOf(command)}`,
    notes === '' ? '' : wrapped(notes.trim(), width).join('\n'),
    commands.length === 0 ? '' : `Use "${command.name()} <command> --help" for more about a command.`,
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function usageOf(command: Command): string {
  const parent = command.parent === null ? '' : `${command.parent.name()} `;
  return `${parent}${command.name()} ${command.usage()}`;
}

function list(title: string, rows: readonly (readonly string[])[], width: number): string {
  if (rows.length === 0) return '';
  const column = Math.min(MAX_TERM, Math.max(...rows.map(([term = '']) => term.length))) + 4;
  const lines = rows.flatMap(([term = '', text = '']) => {
    const [first = '', ...more] = wrapped(text, width - column);
    const further = more.map((line) => ' '.repeat(column) + line);
    return term.length + 3 < column
      ? [`  ${term}`.padEnd(column) + first, ...further]
      : [`  ${term}`, ' '.repeat(column) + first, ...further];
  });
  return `${title}:\n${lines.join('\n')}`;
}

/** Lines of at most `width` columns, broken at spaces; empty lines stay, others are filled. */
function wrapped(text: string, width: number): string[] {
  return text.split('\n\n').flatMap((paragraph, index) => {
    const lines = wrapWords(paragraph, width);
    return index === 0 ? lines : ['', ...lines];
  });
}
