import type { Command, Option } from 'commander';
import { qualifiedName, typeNamer } from '../../shared/resource-types.ts';
import type { LedgerReader, Scope } from '../../shared/types.ts';
import type { Io } from '../io.ts';
import { commanderWords, withoutOtherSources } from '../arguments.ts';
import { knownTypes, typeOf, withTypeNames } from '../commands/types.ts';
import { currentNamespace } from '../kubeconfig.ts';
import type { SourceOptions } from '../open-reader.ts';
import { objectTitle } from '../views/object-name.ts';
import { operationText } from '../views/operation.ts';
import { printable } from '../views/text.ts';
import { whoText } from '../views/who.ts';

/** One proposal, and what is said about it. */
type Proposal = [text: string, about?: string];

/** What cobra's shells know as "no files": https://github.com/spf13/cobra/blob/main/site/content/completions. */
const NO_FILES = 4;
const FILES = 0;
/** More than this nobody reads, and a shell is slow with. */
const MAX = 500;
const MAX_IDS = 30;

type WithReader = (source: SourceOptions, io: Io, ask: (reader: LedgerReader) => Promise<void>) => Promise<void>;

/**
 * `__complete WORD...`: proposals for the last word, as cobra programs print them: one a line with a tab before what is
 * said about it, then `:` and a directive. Never an error: a shell would print it into the command line.
 */
export async function complete(
  words: readonly string[],
  program: Command,
  withReader: WithReader,
  io: Io,
): Promise<void> {
  const wanted = words.at(-1) ?? '';
  let proposals: Proposal[] = [];
  let directive = NO_FILES;
  try {
    const position = positionOf(words, program, io);
    if (position.kind === 'files') directive = FILES;
    else if (position.kind === 'fixed') proposals = position.proposals;
    else {
      const { source } = position;
      await withReader(source, io, async (reader) => void (proposals = await position.ask(reader, io, wanted)));
    }
  } catch {
    // No ledger, no server, half a command line: nothing is proposed.
  }
  const shown = proposals.filter(([text]) => text.startsWith(wanted)).slice(0, MAX);
  for (const [text, about] of shown) {
    io.out(`${printable(text)}${about === undefined ? '' : `\t${printable(about)}`}\n`);
  }
  io.out(`:${directive}\n`);
}

type Position =
  | { kind: 'files' }
  | { kind: 'fixed'; proposals: Proposal[] }
  | {
      kind: 'asked';
      source: SourceOptions;
      ask: (reader: LedgerReader, io: Io, wanted: string) => Promise<Proposal[]>;
    };

interface Flags extends SourceOptions {
  namespace?: string;
  allNamespaces?: boolean;
}

/** Where in the command line the last word stands. */
function positionOf(words: readonly string[], program: Command, io: Io): Position {
  const wanted = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const [first] = operandsOf(before, program.options);
  const named = program.commands.find((each) => each.name() === first);
  const command = named ?? program;
  const options = command.options;
  const last = before.at(-1) ?? '';
  const flags = readFlags(before, options, io.env);
  const pending = options.find((option) => option.required && (option.short === last || option.long === last));
  if (pending !== undefined) return valueOf(pending, flags);
  if (wanted.startsWith('-')) return { kind: 'fixed', proposals: options.filter(({ hidden }) => !hidden).map(flagOf) };
  const operands = operandsOf(before, options).filter((word, index) => index > 0 || word !== named?.name());
  const asked = (ask: Extract<Position, { kind: 'asked' }>['ask']): Position => ({ kind: 'asked', source: flags, ask });
  switch (named?.name()) {
    case 'show':
    case 'undo':
      return asked((reader) => newestIds(reader, io));
    case 'apps':
    case 'releases':
      if (operands.length > 0) return { kind: 'fixed', proposals: [] };
      return asked(async (reader) => {
        const { applications } = await reader.applications({ at: io.now });
        return applications.map(({ name, releases }): Proposal => [name, releases.join(' ')]);
      });
    case 'completion':
      return { kind: 'fixed', proposals: (command.registeredArguments[0]?.argChoices ?? []).map((shell) => [shell]) };
    case 'coverage':
    case 'version':
      return { kind: 'fixed', proposals: [] };
    default: {
      const commands = named === undefined && operands.length === 0 ? program.commands : [];
      return asked((reader, _io, word) => wordsOf(operands, word, commands, flags, reader, io));
    }
  }
}

function flagOf({ long, description }: Option): Proposal {
  return [long ?? '', description];
}

/** The values of the flags that matter here, however they are written: what is written beats the environment. */
function readFlags(words: readonly string[], options: readonly Option[], env: Io['env']): Flags {
  const values: Record<string, string | boolean | undefined> = {};
  const written = new Set<string>();
  for (const option of options) if (option.envVar !== undefined) values[option.attributeName()] = env[option.envVar];
  const spelt = commanderWords(words, options);
  for (const [index, word] of spelt.entries()) {
    const [name = '', value] = word.split('=', 2);
    const option = options.find(({ long, short }) => name === long || name === short);
    if (option === undefined) continue;
    values[option.attributeName()] = option.required ? (value ?? spelt[index + 1]) : true;
    written.add(option.attributeName());
  }
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return withoutOtherSources(given, written);
}

/** The words that are neither flags nor their values. */
function operandsOf(words: readonly string[], options: readonly Option[]): string[] {
  return words.filter((word, index) => {
    const last = words[index - 1] ?? '';
    const isValue = options.some(({ required, long, short }) => required && (last === long || last === short));
    return !isValue && !word.startsWith('-');
  });
}

function valueOf(option: Option, flags: Flags): Position {
  if (option.argChoices !== undefined) return { kind: 'fixed', proposals: option.argChoices.map((choice) => [choice]) };
  switch (option.long) {
    case '--namespace':
      return {
        kind: 'asked',
        source: flags,
        ask: (reader) => names({ type: { group: '', resource: 'namespaces' } }, reader),
      };
    case '--user':
    case '--exclude-user':
    case '--ignore-user':
      return {
        kind: 'asked',
        source: flags,
        ask: async (reader) =>
          (await reader.users({ scope: {} })).users.map(({ username, changes }) => [username, `${changes} changes`]),
      };
    case '--db':
    case '--token-file':
    case '--certificate-authority':
    case '--filename':
    case '--rules':
      return { kind: 'files' };
    default:
      return { kind: 'fixed', proposals: [] };
  }
}

async function newestIds(reader: LedgerReader, io: Io): Promise<Proposal[]> {
  const [{ changes }, types] = await Promise.all([reader.changes({ scope: {}, limit: MAX_IDS }), knownTypes(reader)]);
  const { style } = withTypeNames(io, types);
  return changes.map((change) => {
    const who = whoText(change.actor, style);
    return [String(change.seq), `${operationText(change)} ${objectTitle(change.object, style)} by ${who}`];
  });
}

async function wordsOf(
  operands: readonly string[],
  wanted: string,
  commands: readonly Command[],
  flags: Flags,
  reader: LedgerReader,
  io: Io,
): Promise<Proposal[]> {
  const seen = await reader.resources();
  const [typeWord, inName] = wanted.includes('/') ? [wanted.slice(0, wanted.indexOf('/')), true] : [operands[0], false];
  if (typeWord === undefined || typeWord.includes('/')) {
    const typeName = typeNamer(seen);
    const types = seen.map((type): Proposal => [typeName(type), qualifiedName(type)]);
    const own = commands
      .filter((each) => !each.name().startsWith('_'))
      .map((each): Proposal => [each.name(), each.description()]);
    return [...own, ...types].sort(([a], [b]) => (a < b ? -1 : 1));
  }
  const { group, resource, namespaced } = await typeOf(typeWord, reader, io);
  const everywhere = flags.allNamespaces === true || namespaced === false;
  const namespace = everywhere ? {} : { namespace: flags.namespace ?? currentNamespace(io.env, flags) };
  const found = await names({ type: { group, resource }, ...namespace }, reader);
  return inName ? found.map(([name]) => [`${typeWord}/${name}`]) : found.filter(([name]) => !operands.includes(name));
}

async function names(scope: Scope, reader: LedgerReader): Promise<Proposal[]> {
  const found = await reader.objects({ scope, limit: MAX });
  return [...new Set(found.map(({ object }) => object.name))].map((name) => [name]);
}
